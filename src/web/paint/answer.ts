/**
 * The network's answer on the screen. Its few pixels are enlarged with bicubic interpolation: the bilinear one of
 * stylesheets leaves stairs in slanted edges.
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

  /** Size of the network's next answer, in pixels. */
  setSize(width: number, height: number): void {
    if (this.context) Object.assign(this.context.canvas, { width, height });
    this.draw();
  }

  /** @param rgba of the size that was set; other sizes are ignored, since they come from a network that was replaced */
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

/** Matches a canvas to the screen's pixels. Returns true if its size changed, which clears it. */
export function fitToScreen(canvas: HTMLCanvasElement): boolean {
  const scale = Math.min(devicePixelRatio, 2);
  const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
  if (width === 0 || height === 0 || (width === canvas.width && height === canvas.height)) return false;
  Object.assign(canvas, { width, height });
  return true;
}
