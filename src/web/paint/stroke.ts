/** A point of the pen, in units of the sketch, with the width of the line there. */
export interface PenPoint {
  x: number;
  y: number;
  width: number;
}

/** Steps along a curve between two points; a mouse at speed leaves them far apart. */
const LONGEST_STEP = 0.75;

/**
 * One stroke as a single outline that is filled at once: discs along a smooth curve, and the bands between them. Drawn piece
 * by piece the soft edges of the pieces would add up, and a line come out bolder than what the network was trained on.
 */
export class Stroke {
  readonly erase: boolean;
  readonly path = new Path2D();
  private readonly points: PenPoint[] = [];
  private end: PenPoint;

  constructor(first: PenPoint, erase: boolean) {
    this.erase = erase;
    this.end = first;
    this.points.push(first);
    this.disc(first);
  }

  /** Goes on to a point: a curve through the middles between the points, bent towards the points. */
  add(point: PenPoint): void {
    const before = this.points.at(-1) as PenPoint;
    if (Math.hypot(point.x - before.x, point.y - before.y) < 0.05) return;
    this.points.push(point);
    const from = this.end;
    const to = mix(before, point, 0.5);
    const length = Math.hypot(before.x - from.x, before.y - from.y) + Math.hypot(to.x - before.x, to.y - before.y);
    const steps = Math.max(1, Math.ceil(length / LONGEST_STEP));
    for (let i = 1; i <= steps; i++) {
      const t = i / steps;
      this.lineTo(mix(mix(from, before, t), mix(before, to, t), t));
    }
  }

  /** The last half step, up to where the pen was lifted. */
  finish(): void {
    this.lineTo(this.points.at(-1) as PenPoint);
  }

  private lineTo(to: PenPoint): void {
    const from = this.end;
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    if (length > 0) {
      // All pieces turn the same way round, so that they add up to one area and never cancel.
      const nx = -(to.y - from.y) / length / 2;
      const ny = (to.x - from.x) / length / 2;
      this.path.moveTo(from.x - nx * from.width, from.y - ny * from.width);
      this.path.lineTo(to.x - nx * to.width, to.y - ny * to.width);
      this.path.lineTo(to.x + nx * to.width, to.y + ny * to.width);
      this.path.lineTo(from.x + nx * from.width, from.y + ny * from.width);
      this.path.closePath();
    }
    this.disc(to);
    this.end = to;
  }

  private disc({ x, y, width }: PenPoint): void {
    this.path.moveTo(x + width / 2, y);
    this.path.arc(x, y, width / 2, 0, 2 * Math.PI);
  }
}

function mix(a: PenPoint, b: PenPoint, t: number): PenPoint {
  const between = (from: number, to: number) => from + (to - from) * t;
  return { x: between(a.x, b.x), y: between(a.y, b.y), width: between(a.width, b.width) };
}
