import { type PenPoint, Stroke } from './stroke.ts';

/** The shorter side of a sketch in its own units; OpenMoji's drawings have the same grid, with lines 2 wide. */
export const UNITS = 72;

/** One edit of a sketch, which can be undone. */
type Mark = { stroke: Stroke } | { picture: CanvasImageSource; width: number; height: number } | { clear: true };

/**
 * A drawing as a list of edits, which can be drawn at any size: large on the screen, and at the network's own size. It
 * is drawn at that size, not scaled down, like the pictures that the network was trained on.
 */
export class Sketch {
  private readonly marks: Mark[] = [];
  private live: Stroke | undefined;
  private readonly surfaces: Surface[] = [];
  private readonly onChange: () => void;

  /** @param onChange called after every change, many times within a stroke */
  constructor(onChange: () => void) {
    this.onChange = onChange;
  }

  show(surface: Surface): void {
    this.surfaces.push(surface);
    this.redraw(surface);
  }

  hide(surface: Surface): void {
    this.surfaces.splice(this.surfaces.indexOf(surface), 1);
  }

  /** Whether there is nothing to translate. */
  get empty(): boolean {
    const last = this.marks.at(-1);
    return !this.live && (last === undefined || 'clear' in last);
  }

  /** Whether the pen is down. */
  get drawing(): boolean {
    return this.live !== undefined;
  }

  get canUndo(): boolean {
    return this.marks.length > 0;
  }

  begin(point: PenPoint, erase: boolean): void {
    this.end();
    this.live = new Stroke(point, erase);
    this.refresh();
  }

  extend(points: readonly PenPoint[]): void {
    for (const point of points) this.live?.add(point);
    if (this.live) this.refresh();
  }

  /** Adds a straight line to a point, where `extend` would round it. */
  lineTo(point: PenPoint): void {
    this.live?.add(point);
    this.live?.finish();
    if (this.live) this.refresh();
  }

  end(): void {
    const stroke = this.live;
    if (!stroke) return;
    stroke.finish();
    this.live = undefined;
    this.add({ stroke });
  }

  /** Places a picture over everything, as large as it fits. */
  place(picture: CanvasImageSource, width: number, height: number): void {
    this.end();
    this.add({ picture, width, height });
  }

  clear(): void {
    this.end();
    if (!this.empty) this.add({ clear: true });
  }

  undo(): void {
    if (this.live) this.live = undefined;
    else this.marks.pop();
    for (const surface of this.surfaces) this.redraw(surface);
    this.onChange();
  }

  private add(mark: Mark): void {
    this.marks.push(mark);
    for (const surface of this.surfaces) surface.keep((context) => draw(mark, context));
    this.refresh();
  }

  private refresh(): void {
    for (const surface of this.surfaces) surface.present(this.live);
    this.onChange();
  }

  /** Also called after a change of size. */
  redraw(surface: Surface): void {
    surface.wipe();
    for (const mark of this.marks) surface.keep((context) => draw(mark, context));
    surface.present(this.live);
  }
}

function draw(mark: Mark, context: Context): void {
  if ('stroke' in mark) {
    mark.stroke.draw(context);
    return;
  }
  const [width, height] = sidesOf(context.canvas);
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  if ('clear' in mark) return;
  const scale = Math.min(width / mark.width, height / mark.height);
  const [w, h] = [mark.width * scale, mark.height * scale];
  context.drawImage(mark.picture, (width - w) / 2, (height - h) / 2, w, h);
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** A canvas's sides in units. */
function sidesOf({ width, height }: { width: number; height: number }): [number, number] {
  const unit = Math.min(width, height) / UNITS;
  return [width / unit, height / unit];
}

/** A canvas that shows a sketch. It caches finished edits, so that a long drawing costs no more than a short one. */
export class Surface {
  readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private readonly kept: OffscreenCanvasRenderingContext2D;

  /** @param readable whether its pixels are read often */
  constructor(canvas: HTMLCanvasElement, readable = false) {
    this.canvas = canvas;
    this.context = context(canvas.getContext('2d', { willReadFrequently: readable, alpha: false }));
    const behind = new OffscreenCanvas(canvas.width, canvas.height);
    this.kept = context(behind.getContext('2d', { willReadFrequently: readable, alpha: false }));
    this.wipe();
  }

  /** Clears it to white at the canvas's current size. */
  wipe(): void {
    const { width, height } = this.canvas;
    Object.assign(this.kept.canvas, { width, height });
    const unit = Math.min(width, height) / UNITS;
    for (const target of [this.kept, this.context]) {
      target.setTransform(unit, 0, 0, unit, 0, 0);
      target.imageSmoothingQuality = 'high';
      target.fillStyle = 'white';
      target.fillRect(0, 0, width / unit, height / unit);
    }
  }

  keep(drawing: (context: Context) => void): void {
    drawing(this.kept);
  }

  /** Shows the cached edits, and the current stroke on top. */
  present(live: Stroke | undefined): void {
    const { context } = this;
    const scaled = context.getTransform();
    context.resetTransform();
    context.drawImage(this.kept.canvas, 0, 0);
    context.setTransform(scaled);
    live?.draw(context);
  }

  /** RGBA, row by row. */
  pixels(): Uint8ClampedArray {
    return this.context.getImageData(0, 0, this.canvas.width, this.canvas.height).data;
  }
}

function context<T>(made: T | null): T {
  if (!made) throw new Error('this browser gives a canvas no 2D context');
  return made;
}
