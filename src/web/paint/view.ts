import { allow, askForFiles, button, canvas, element, input, makeWorker, Status } from '../page/dom.ts';
import type { PlacedFile } from '../page/dropped.ts';
import { openImage, openSvg } from '../page/svg.ts';
import { connect, proxy } from '../shared/remote.ts';
import { explain, shortCount } from '../shared/words.ts';
import { Answer, fitToScreen } from './answer.ts';
import { type Example, showExamples } from './examples.ts';
import { KeyPen } from './key_pen.ts';
import type { ModelInfo } from './model.ts';
import { Pen } from './pen.ts';
import { Sketch, Surface } from './sketch.ts';
import type { PaintCalls } from './worker.ts';

const SHIPPED = 'paint.safetensors';

/** The Paint view: a drawing on the left, its translation on the right. */
export class PaintView {
  private readonly worker = connect<PaintCalls>(makeWorker('paint'));
  private readonly onLost = proxy((why: string) => {
    this.status.warn(`The graphics device was lost (${why}). Painting goes on with a new one.`);
  });
  private readonly status = new Status(element('paint-status'));
  private readonly sketch = new Sketch(() => this.changed());
  private readonly large = new Surface(canvas('sketch'));
  private readonly pen = new Pen(this.large.canvas, this.sketch);
  private readonly answer = new Answer(canvas('answer'));
  private small: Surface | undefined;
  private model: ModelInfo | undefined;
  /** Whether a forward pass is running, and whether the drawing has changed since it began. */
  private busy = false;
  private stale = false;

  constructor(examples: readonly Example[]) {
    this.sketch.show(this.large);
    new ResizeObserver(() => this.fit()).observe(this.large.canvas);
    button('undo').addEventListener('click', () => this.undo());
    button('clear').addEventListener('click', () => this.sketch.clear());
    button('load-picture').addEventListener('click', async () => {
      const [file] = await askForFiles({ accept: 'image/*' });
      if (file) await this.placeFile(file);
    });
    button('load-model').addEventListener('click', async () => {
      const [file] = await askForFiles({ accept: '.safetensors' });
      if (file) await this.take([{ path: file.name, file }]);
    });
    showExamples(element('examples'), examples, (picture) => {
      this.sketch.place(picture, picture.naturalWidth, picture.naturalHeight);
      // On a phone the canvas is above the examples and may be out of sight.
      element('pair').scrollIntoView({ block: 'nearest' });
    });
    this.pen.attachTools(input('brush'), button('pen'), button('eraser'));
    new KeyPen(this.large.canvas, element('cross'), this.pen, this.sketch, (text) => this.status.say(text));
    addEventListener('keydown', (event) => this.key(event));
    this.changed();
  }

  /** Fetches the checkpoint that comes with the page. */
  async open(): Promise<void> {
    try {
      const response = await fetch(SHIPPED);
      if (!response.ok) throw new Error(`${SHIPPED}: the server answers ${response.status}`);
      await this.load(await response.blob(), 'the one that comes with this page');
    } catch (error) {
      this.status.warn(explain(error));
    }
  }

  /** A checkpoint to paint with. */
  async load(file: Blob, name: string): Promise<void> {
    this.status.say(`Loading ${name} …`);
    try {
      this.use(await this.worker.load(file, name));
    } catch (error) {
      this.status.warn(explain(error));
    }
  }

  /** Takes what was dropped or chosen: a checkpoint or a picture. */
  async take(files: readonly PlacedFile[]): Promise<void> {
    const [first] = files;
    if (!first) return;
    if (/\.safetensors$/i.test(first.path)) {
      await this.load(first.file, first.path);
    } else if (files.length > 1) {
      this.status.warn('Painting takes one picture at a time. Folders of pairs are for the Train tab.');
    } else await this.placeFile(first.file);
  }

  warn(text: string): void {
    this.status.warn(text);
  }

  private async placeFile(file: File): Promise<void> {
    try {
      const picture = await (/\.svg$/i.test(file.name) ? openSvg(file) : openImage(file));
      this.sketch.place(picture, picture.naturalWidth || 1, picture.naturalHeight || 1);
      this.status.say(`${file.name} lies on the canvas.`);
    } catch {
      this.status.warn(
        `${file.name} is no picture that this browser can show, nor a checkpoint (.safetensors). Nothing was changed.`,
      );
    }
  }

  private use(model: ModelInfo): void {
    const { width, height, network, parameters, step } = model;
    this.model = model;
    this.answer.setSize(width, height);
    element('paint').style.setProperty('--ratio', `${width} / ${height}`);
    if (this.small) this.sketch.hide(this.small);
    const small = document.createElement('canvas');
    Object.assign(small, { width, height });
    this.small = new Surface(small, true);
    this.sketch.show(this.small);
    element('model').textContent =
      `Network: ${model.name}. ${network}, ${shortCount(parameters)} parameters, ${width} × ${height} pixels, ` +
      `${step.toLocaleString('en')} training steps; on ${model.adapter}`;
    this.status.say('Ready: draw, or take an example.');
    this.changed();
  }

  private undo(): void {
    if (this.sketch.canUndo) this.sketch.undo();
  }

  private changed(): void {
    allow(button('undo'), this.sketch.canUndo);
    allow(button('clear'), !this.sketch.empty);
    element('sketch-hint').hidden = !this.sketch.empty;
    this.stale = true;
    void this.paint();
  }

  /** Translates until the answer is up to date. Never runs more than one forward pass at a time. */
  private async paint(): Promise<void> {
    if (this.busy || !this.model) return;
    this.busy = true;
    element('answer').ariaBusy = 'true';
    try {
      while (this.stale && this.small) {
        this.stale = false;
        const begun = performance.now();
        const empty = this.sketch.empty;
        element('answer-hint').hidden = !empty;
        if (empty) this.wipeAnswer();
        else {
          const { pixels } = await this.worker.paint(this.small.pixels(), this.onLost);
          this.showAnswer(pixels, performance.now() - begun);
        }
      }
    } catch (error) {
      this.status.warn(explain(error));
    } finally {
      this.busy = false;
      element('answer').ariaBusy = 'false';
    }
  }

  private showAnswer(pixels: Uint8ClampedArray<ArrayBuffer>, milliseconds: number): void {
    if (this.sketch.empty || !this.answer.show(pixels)) return;
    element('latency').textContent = `${Math.round(milliseconds)} ms`;
  }

  private wipeAnswer(): void {
    this.answer.wipe();
    element('latency').textContent = '';
  }

  private fit(): void {
    if (fitToScreen(this.large.canvas)) this.sketch.redraw(this.large);
  }

  private key(event: KeyboardEvent): void {
    if (element('paint').hidden) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z') {
      event.preventDefault();
      this.undo();
      return;
    }
    // Single letters work only while drawing: they may mean something else, for example with voice input.
    const drawing = event.target instanceof Element && event.target.closest('#sketch, #tools');
    if (drawing && !event.ctrlKey && !event.metaKey && !event.altKey) this.pen.key(event.key);
  }
}
