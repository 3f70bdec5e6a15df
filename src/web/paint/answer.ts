/**
 * The network's answer on the screen. It has few pixels: they are enlarged to the screen's with a cubic curve, since the
 * straight lines in between that a stylesheet gives leave stairs in every slanted edge.
 */
export class Answer {
  private readonly canvas: HTMLCanvasElement;
  private readonly context = new OffscreenCanvas(1, 1).getContext('2d');
  private readonly screen: CanvasRenderingContext2D | null;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    this.screen = canvas.getContext('2d');
    new ResizeObserver(() => this.fit()).observe(canvas);
  }

  /** Of the network that is about to answer, in pixels. */
  setSize(width: number, height: number): void {
    if (this.context) Object.assign(this.context.canvas, { width, height });
    this.draw();
  }

  /** @param rgba of the size that was set; others are left aside: they come from a network that has been replaced */
  show(rgba: Uint8ClampedArray<ArrayBuffer>): boolean {
    const { width, height } = this.context?.canvas ?? {};
    if (!width || !height || rgba.length !== 4 * width * height) return false;
    this.context?.putImageData(new ImageData(rgba, width, height), 0, 0);
    this.draw();
    return true;
  }

  wipe(): void {
    const { context } = this;
    context?.clearRect(0, 0, context.canvas.width, context.canvas.height);
    this.draw();
  }

  private fit(): void {
    if (fitToScreen(this.canvas)) this.draw();
  }

  private draw(): void {
    const { context, screen } = this;
    if (!context || !screen) return;
    const { width, height } = this.canvas;
    screen.imageSmoothingQuality = 'high';
    screen.clearRect(0, 0, width, height);
    screen.drawImage(context.canvas, 0, 0, width, height);
  }
}

/** Gives a canvas as many pixels as the screen has there. True where that wipes it, since it had another number. */
export function fitToScreen(canvas: HTMLCanvasElement): boolean {
  const scale = Math.min(devicePixelRatio, 2);
  const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
  if (width === 0 || height === 0 || (width === canvas.width && height === canvas.height)) return false;
  Object.assign(canvas, { width, height });
  return true;
}
