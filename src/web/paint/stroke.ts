/** A point of the pen, in units of the sketch, with the width of the line there. */
export interface PenPoint {
  x: number;
  y: number;
  width: number;
}

/** A line of one width. */
interface Run {
  width: number;
  path: Path2D;
}

/** Widths are rounded to multiples of this, so that a run of equal widths is longer than one point. */
const WIDTH_STEP = 0.25;

/**
 * One stroke, as few paths as its widths allow: one for a mouse or a finger. Drawn in pieces, their antialiased edges
 * would overlap, and at the network's size the line would be bolder than the lines it was trained on.
 */
export class Stroke {
  readonly erase: boolean;
  private readonly runs: Run[] = [];
  private last: PenPoint;
  /** The end of the curve so far: halfway to the last point. */
  private end: { x: number; y: number };

  constructor(first: PenPoint, erase: boolean) {
    this.erase = erase;
    this.last = first;
    this.end = first;
    // A line of zero length would not be drawn; this makes a dot.
    this.run(first.width).lineTo(first.x + 0.01, first.y);
  }

  /** Extends the stroke: a curve through the midpoints between the points, with the points as its control points. */
  add(point: PenPoint): void {
    const { last } = this;
    if (Math.hypot(point.x - last.x, point.y - last.y) < 0.05) return;
    const to = { x: (last.x + point.x) / 2, y: (last.y + point.y) / 2 };
    this.run(last.width).quadraticCurveTo(last.x, last.y, to.x, to.y);
    this.last = point;
    this.end = to;
  }

  /** Draws the last half step up to the pen, when it is lifted or turns sharply. */
  finish(): void {
    this.run(this.last.width).lineTo(this.last.x, this.last.y);
    this.end = this.last;
  }

  /** Draws it onto a canvas that is scaled to the sketch's units. */
  draw(context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D): void {
    context.strokeStyle = this.erase ? 'white' : 'black';
    context.lineCap = 'round';
    context.lineJoin = 'round';
    for (const { width, path } of this.runs) {
      context.lineWidth = width;
      context.stroke(path);
    }
  }

  /** The path that continues at this width. */
  private run(wanted: number): Path2D {
    const width = Math.max(WIDTH_STEP, Math.round(wanted / WIDTH_STEP) * WIDTH_STEP);
    const current = this.runs.at(-1);
    if (current?.width === width) return current.path;
    const path = new Path2D();
    path.moveTo(this.end.x, this.end.y);
    this.runs.push({ width, path });
    return path;
  }
}
