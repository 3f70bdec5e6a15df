import { formatCount } from '../../engine/util/format.ts';
import { allow, askForFiles, button, canvas, element, input, Status } from '../page/dom.ts';
import type { PlacedFile } from '../page/dropped.ts';
import { openImage, openSvg } from '../page/svg.ts';
import { proxy } from '../shared/remote.ts';
import { explain } from '../shared/words.ts';
import { Answer, fitToScreen } from './answer.ts';
import { type Example, showExamples } from './examples.ts';
import { KeyPen } from './key_pen.ts';
import { ENOUGH_MS, fetchShipped, LARGE, Painter, SMALL } from './painter.ts';
import { Pen } from './pen.ts';
import { Sketch, Surface } from './sketch.ts';
import type { ModelInfo } from './worker/model.ts';

/** The Paint view: a drawing on the left, its translation on the right. */
export class PaintView {
  private painter = new Painter();
  /** The large network in a worker of its own; with its `model` it is fast enough, and taken when the hand rests. */
  private trial: { painter: Painter; model?: ModelInfo } | undefined;
  /** Whether the visitor has chosen a checkpoint. The page then changes it no more. */
  private chosen = false;
  /** Settles once the small network has been opened, or could not be. */
  private opened: Promise<unknown> = Promise.resolve();
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

  /** Opens the small network that comes with the page, so that drawing begins soon, then the large one if it is fast here. */
  async open(): Promise<void> {
    const opening = this.use(fetchShipped(SMALL), SMALL.name);
    this.opened = opening;
    const small = await opening;
    if (!small || this.chosen) return;
    // One that paints four times as many pixels would take longer still.
    if (small.milliseconds > ENOUGH_MS) this.note('.');
    else await this.tryLarge();
  }

  /** A checkpoint of the visitor's to paint with. */
  async load(file: Blob, name: string): Promise<void> {
    this.chosen = true;
    this.trial?.painter.close();
    this.trial = undefined;
    element('network-note').textContent = '';
    // Otherwise the small network, opened late, would replace this one.
    await this.opened;
    this.status.say(`Loading ${name} …`);
    await this.use(file, name);
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

  /** Paints with this checkpoint from now on, or says why it cannot. */
  private async use(file: Blob | Promise<Blob>, name: string): Promise<ModelInfo | undefined> {
    try {
      const model = await this.painter.load(await file, name);
      this.show(model);
      this.status.say('Ready: draw, or take an example.');
      return model;
    } catch (error) {
      this.status.warn(explain(error));
      return undefined;
    }
  }

  /** Opens the large network beside the small one, which goes on answering, and takes it if it is fast enough here. */
  private async tryLarge(): Promise<void> {
    try {
      const file = await fetchShipped(LARGE);
      if (this.chosen) return;
      const painter = new Painter();
      this.trial = { painter };
      const model = await painter.load(file, LARGE.name);
      if (model.milliseconds <= ENOUGH_MS) {
        this.trial = { painter, model };
        this.takeLarge();
        return;
      }
      this.note(`: the large one takes ${Math.round(model.milliseconds)} ms on this device.`);
    } catch (error) {
      this.note(`. The large one could not be opened: ${explain(error)}`);
    }
    this.trial?.painter.close();
    this.trial = undefined;
  }

  /** Takes the large network, unless a stroke is being drawn or an answer is under way; each tries again at its end. */
  private takeLarge(): void {
    const { painter, model } = this.trial ?? {};
    if (!painter || !model || this.busy || this.sketch.drawing) return;
    this.trial = undefined;
    this.painter.close();
    this.painter = painter;
    this.show(model);
  }

  /** Says that the small network stays, unless the visitor has chosen another by now. */
  private note(why: string): void {
    if (this.chosen) return;
    element('network-note').textContent = `The small network paints here, so that answers keep up with your hand${why}`;
  }

  private show(model: ModelInfo): void {
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
      `Network: ${model.name}. ${network}, ${formatCount(parameters)} parameters, ${width} × ${height} pixels, ` +
      `${step.toLocaleString('en')} training steps; on ${model.adapter}`;
    this.changed();
  }

  private undo(): void {
    if (this.sketch.canUndo) this.sketch.undo();
  }

  private changed(): void {
    allow(button('undo'), this.sketch.canUndo);
    allow(button('clear'), !this.sketch.empty);
    element('sketch-hint').hidden = !this.sketch.empty;
    this.takeLarge();
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
          const pixels = await this.painter.paint(this.small.pixels(), this.onLost);
          this.showAnswer(pixels, performance.now() - begun);
        }
      }
    } catch (error) {
      this.status.warn(explain(error));
    } finally {
      this.busy = false;
      element('answer').ariaBusy = 'false';
      this.takeLarge();
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
