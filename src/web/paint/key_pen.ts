import type { Pen } from './pen.ts';
import { type Sketch, UNITS } from './sketch.ts';

/** Units of the sketch that one press moves. */
const STEP = 2;
const FAR = 5 * STEP;
/** Delay in milliseconds before the pen's position is announced, so that not every key press is. */
const REST_MS = 700;

const WAYS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Drawing by keyboard: arrows move a crosshair, and the space bar puts the pen down or lifts it. */
export class KeyPen {
  private readonly canvas: HTMLCanvasElement;
  private readonly cross: HTMLElement;
  private readonly pen: Pen;
  private readonly sketch: Sketch;
  private readonly say: (text: string) => void;
  /** Position as fractions of the canvas's sides. */
  private x = 0.5;
  private y = 0.5;
  private down = false;
  private rest: ReturnType<typeof setTimeout> | undefined;

  /** @param say announces the pen's position in words */
  constructor(canvas: HTMLCanvasElement, cross: HTMLElement, pen: Pen, sketch: Sketch, say: (text: string) => void) {
    this.canvas = canvas;
    this.cross = cross;
    this.pen = pen;
    this.sketch = sketch;
    this.say = say;
    canvas.addEventListener('keydown', (event) => this.key(event));
    canvas.addEventListener('focus', () => this.place());
    canvas.addEventListener('blur', () => this.leave());
    // A stroke by pointer has ended this one already and focused the canvas.
    canvas.addEventListener('pointerdown', () => {
      this.down = false;
      this.leave();
    });
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const way = WAYS[event.key];
    if (way) this.move(way, event.shiftKey ? FAR : STEP);
    else if (event.key === ' ' || event.key === 'Enter') this.toggle();
    else if (event.key === 'Escape') this.lift();
    else return;
    event.preventDefault();
    this.place();
  }

  private move([dx, dy]: readonly [number, number], step: number): void {
    const { width, height } = this.sides();
    this.x = Math.min(1, Math.max(0, this.x + (dx * step) / width));
    this.y = Math.min(1, Math.max(0, this.y + (dy * step) / height));
    if (this.down) this.sketch.lineTo(this.point());
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.tell(), REST_MS);
  }

  private toggle(): void {
    if (this.down) this.lift();
    else {
      this.down = true;
      this.sketch.begin(this.point(), this.pen.erasing);
      this.tell();
    }
  }

  private lift(): void {
    if (!this.down) return;
    this.down = false;
    this.sketch.end();
    this.tell();
  }

  /** The crosshair is shown only while the keyboard is in use, which `data-keys` marks. */
  private leave(): void {
    clearTimeout(this.rest);
    if (this.down) this.sketch.end();
    this.down = false;
    this.cross.hidden = true;
    delete this.canvas.dataset.keys;
  }

  private tell(): void {
    clearTimeout(this.rest);
    const percent = (share: number) => `${Math.round(100 * share)} %`;
    this.say(`Pen ${this.down ? 'down' : 'up'}, ${percent(this.x)} across, ${percent(this.y)} down.`);
  }

  private place(): void {
    this.cross.hidden = false;
    this.canvas.dataset.keys = '';
    this.cross.dataset.down = String(this.down);
    this.cross.style.left = `${100 * this.x}%`;
    this.cross.style.top = `${100 * this.y}%`;
  }

  /** The canvas's sides in units. */
  private sides(): { width: number; height: number } {
    const { clientWidth, clientHeight } = this.canvas;
    const unit = Math.min(clientWidth, clientHeight) / UNITS;
    return { width: clientWidth / unit, height: clientHeight / unit };
  }

  private point() {
    const { width, height } = this.sides();
    return { x: this.x * width, y: this.y * height, width: this.pen.size };
  }
}
