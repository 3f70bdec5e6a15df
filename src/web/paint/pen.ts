import type { Sketch } from './sketch.ts';
import { UNITS } from './sketch.ts';
import type { PenPoint } from './stroke.ts';

/** The eraser is wider than the pen by this factor. */
const ERASER = 4;

/** Input by mouse, pen and finger, and the settings of the tools. */
export class Pen {
  private readonly canvas: HTMLCanvasElement;
  private readonly sketch: Sketch;
  erasing = false;
  private pointer: number | undefined;
  private tools: { brush: HTMLInputElement; pen: HTMLButtonElement; eraser: HTMLButtonElement } | undefined;

  constructor(canvas: HTMLCanvasElement, sketch: Sketch) {
    this.canvas = canvas;
    this.sketch = sketch;
    canvas.addEventListener('pointerdown', (event) => this.down(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    for (const name of ['pointerup', 'pointercancel'] as const) {
      canvas.addEventListener(name, (event) => this.up(event));
    }
  }

  attachTools(brush: HTMLInputElement, pen: HTMLButtonElement, eraser: HTMLButtonElement): void {
    this.tools = { brush, pen, eraser };
    pen.addEventListener('click', () => this.choose(false));
    eraser.addEventListener('click', () => this.choose(true));
    this.choose(false);
  }

  /** [ and ] change the brush size; e and p select the tool. */
  key(key: string): void {
    const { brush } = this.tools ?? {};
    if (key === '[') brush?.stepDown();
    else if (key === ']') brush?.stepUp();
    else if (key === 'e') this.choose(true);
    else if (key === 'p') this.choose(false);
  }

  /** Width of a line, in units of the sketch. */
  get size(): number {
    return (this.tools?.brush.valueAsNumber ?? 2) * (this.erasing ? ERASER : 1);
  }

  private choose(erase: boolean): void {
    this.erasing = erase;
    if (this.tools) this.tools.pen.ariaPressed = String(!erase);
    if (this.tools) this.tools.eraser.ariaPressed = String(erase);
  }

  private down(event: PointerEvent): void {
    // Only the first finger and the primary button draw.
    if (this.pointer !== undefined || event.button !== 0) return;
    event.preventDefault();
    // Focus the canvas, so that the tool keys work.
    this.canvas.focus({ preventScroll: true });
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.sketch.begin(this.at(event), this.erasing);
  }

  private move(event: PointerEvent): void {
    if (event.pointerId !== this.pointer) return;
    const points = event.getCoalescedEvents?.() ?? [];
    this.sketch.extend((points.length > 0 ? points : [event]).map((point) => this.at(point)));
  }

  private up(event: PointerEvent): void {
    if (event.pointerId !== this.pointer) return;
    this.pointer = undefined;
    this.sketch.end();
  }

  /** A position on the canvas, in the sketch's units. */
  private at({ clientX, clientY, pointerType, pressure }: PointerEvent): PenPoint {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const unit = Math.min(width, height) / UNITS;
    // Only a pen reports pressure; other devices report a constant.
    const press = pointerType === 'pen' && pressure > 0 ? 0.4 + 1.2 * pressure : 1;
    return { x: (clientX - left) / unit, y: (clientY - top) / unit, width: this.size * press };
  }
}
