import { formatBytes, formatCount } from '../../../engine/util/format.ts';
import { allow, askForFiles, button, byId, download, element, input, makeWorker, Status } from '../../page/dom.ts';
import { type PlacedFile, placed } from '../../page/dropped.ts';
import { openSvg } from '../../page/svg.ts';
import { connect, proxy, revive, transfer } from '../../shared/remote.ts';
import { explain } from '../../shared/words.ts';
import type { RestoredInfo, Source, TrainEvent, TrainingProgress } from '../types.ts';
import type { TrainCalls } from '../worker/worker.ts';
import { Curves } from './curves.ts';
import { allowChanges, readSchedule, readSettings, showRun } from './form.ts';
import { SampleSheet } from './sample_sheet.ts';

type Phase = 'idle' | 'opening' | 'running' | 'pausing' | 'paused';

/** This many are listed; the rest are only counted. */
const MOST_WARNINGS = 12;

/** The Train view: training on the emoji or on the user's pictures, as it happens. */
export class TrainView {
  private readonly worker = connect<TrainCalls>(makeWorker('train'));
  private readonly status = new Status(element('train-status'));
  private readonly curves = new Curves();
  private readonly sheet = new SampleSheet(element('samples'));
  private readonly compiling = byId('compiling', HTMLProgressElement);
  private readonly onPaint: (generator: Blob) => void;
  private phase: Phase = 'idle';
  private warned = 0;
  private own: Source | undefined;
  private restored: RestoredInfo | undefined;

  /** @param onPaint called with a generator to show in the Paint view */
  constructor(onPaint: (generator: Blob) => void) {
    this.onPaint = onPaint;
    const listening = this.worker.listen(
      proxy((event) => this.on(event)),
      proxy(drawSvg),
    );
    listening.catch((error: unknown) => this.status.warn(explain(error)));
    button('go').addEventListener('click', () => this.go());
    button('start-over').addEventListener('click', () => this.startOver());
    button('save').addEventListener('click', () => this.save());
    button('try').addEventListener('click', () => this.paintWithIt());
    button('continue').addEventListener('click', async () => {
      await this.take(placed(await askForFiles({ accept: '.safetensors' })));
    });
    button('choose-folder').addEventListener('click', async () => {
      await this.take(placed(await askForFiles({ folder: true })));
    });
    button('choose-zip').addEventListener('click', async () =>
      this.take(placed(await askForFiles({ accept: '.zip' }))),
    );
    for (const id of ['openmoji', 'own']) input(id).addEventListener('change', () => this.refresh());
    this.refresh();
  }

  /** Takes what was dropped or chosen: a checkpoint to continue from, a zip archive, or pictures. */
  async take(files: readonly PlacedFile[]): Promise<void> {
    const [first] = files;
    if (!first) return;
    if (this.phase !== 'idle') {
      this.status.warn('A run is under way. “Start over” makes room for another one.');
    } else if (files.length === 1 && /\.safetensors$/i.test(first.path)) await this.restore(first);
    else if (files.length === 1 && /\.zip$/i.test(first.path))
      this.useOwn({ kind: 'zip', file: first.file }, first.path);
    else if (files.length === 1 && !first.path.includes('/')) {
      this.status.warn(`${first.path} is no folder, zip or checkpoint (.safetensors). Nothing was changed.`);
    } else {
      const folder = first.path.includes('/') ? first.path.split('/')[0] : '';
      this.useOwn({ kind: 'files', files: [...files] }, `${folder || 'dropped files'} (${files.length} files)`);
    }
  }

  private useOwn(source: Source, name: string): void {
    this.own = source;
    input('own').checked = true;
    element('own-name').textContent = name;
    this.status.say(`${name}: press Start.`);
    this.refresh();
  }

  private async restore({ path, file }: PlacedFile): Promise<void> {
    try {
      this.restored = await this.worker.restore(file, path);
      const { source, step } = this.restored;
      showRun(this.restored);
      const pictures =
        source === 'folder' && !this.own ? ' Drop its pictures, then press Continue.' : ' Press Continue.';
      this.status.say(`${path}: a run of ${step.toLocaleString('en')} steps.${pictures}`);
    } catch (error) {
      this.status.warn(explain(error));
    }
    this.refresh();
  }

  private async go(): Promise<void> {
    try {
      if (this.phase === 'running') {
        this.become('pausing');
        await this.worker.pause();
      } else if (this.phase === 'paused') await this.worker.resume(readSchedule());
      else if (this.phase === 'idle') await this.begin();
    } catch (error) {
      this.status.warn(explain(error));
    }
  }

  private async begin(): Promise<void> {
    const source: Source | undefined = input('openmoji').checked ? { kind: 'openmoji' } : this.own;
    if (!source) return this.status.warn('Drop a folder or a zip of pairs here first, or choose one.');
    const schedule = readSchedule();
    this.become('opening');
    this.curves.clear();
    this.sheet.clear();
    element('warnings').replaceChildren();
    this.warned = 0;
    try {
      await this.worker.begin(source, readSettings(), schedule);
      this.restored = undefined;
    } catch (error) {
      this.become('idle');
      throw error;
    }
  }

  private async startOver(): Promise<void> {
    await this.worker.forget();
    await this.worker.end();
    this.restored = undefined;
    this.become('idle');
    this.status.say('Ready for another run.');
  }

  private async save(): Promise<void> {
    await this.withCheckpoint(async () => {
      const { file, step } = await this.worker.checkpoint();
      download(file, 'latest.safetensors');
      this.status.say(
        `Saved after step ${step.toLocaleString('en')}. As runs/NAME/latest.safetensors, the command line goes on from it: ` +
          'pixtape train --continue_train --name NAME',
      );
    });
  }

  private async paintWithIt(): Promise<void> {
    await this.withCheckpoint(async () => this.onPaint(await this.worker.generator()));
  }

  private async withCheckpoint(work: () => Promise<void>): Promise<void> {
    for (const id of ['save', 'try']) button(id).disabled = true;
    try {
      await work();
    } catch (error) {
      this.status.warn(explain(error));
    }
    this.refresh();
  }

  private on(event: TrainEvent): void {
    switch (event.kind) {
      case 'note':
        this.status.say(event.text);
        break;
      case 'compiling':
        // The text stays the same and only the bar counts: screen readers would read out every change.
        this.status.say('Compiling shaders …');
        this.compiling.max = event.total;
        this.compiling.value = event.done;
        this.compiling.hidden = event.done === event.total;
        break;
      case 'warning':
        this.list(event.text);
        break;
      case 'opened':
        element('run-summary').textContent =
          `${event.summary}. Generator with ${formatCount(event.parameters)} parameters, on ${event.adapter}.`;
        break;
      case 'running':
        this.become('running');
        this.status.say(`Training …${this.warnings()}`);
        break;
      case 'progress':
        this.showProgress(event.progress);
        break;
      case 'samples':
        this.sheet.show(event.samples);
        this.curves.addHeldOut(event.samples.step, event.samples.error);
        element('fact-error').textContent = event.samples.error.toFixed(3);
        break;
      case 'lost':
        this.curves.cut(event.step);
        this.status.warn(
          `The graphics device was lost (${event.why}). Training goes on from step ${event.step.toLocaleString('en')} on a new one.`,
        );
        break;
      case 'paused':
        this.become('paused');
        this.status.say(
          event.done
            ? `Done: all ${event.step.toLocaleString('en')} steps. For more, raise the epochs and press Continue.`
            : `Paused after step ${event.step.toLocaleString('en')}.`,
        );
        break;
      case 'failed':
        this.become('paused');
        this.status.warn(explain(revive(event.failure)));
    }
  }

  private showProgress(progress: TrainingProgress): void {
    const { step, lastStep, epoch, learningRate, imagesPerSecond, memory, points } = progress;
    element('fact-step').textContent = step.toLocaleString('en');
    element('fact-last').textContent = `of ${lastStep.toLocaleString('en')}`;
    element('fact-rate').textContent = learningRate.toPrecision(2);
    element('fact-epoch').textContent = epoch.toLocaleString('en');
    element('fact-speed').textContent = imagesPerSecond.toPrecision(3);
    element('fact-memory').textContent = formatBytes(memory);
    this.curves.add(points);
  }

  warn(text: string): void {
    this.status.warn(text);
  }

  /** Adds a line to the list of warnings. */
  private list(text: string): void {
    this.warned++;
    const list = element('warnings');
    const more = this.warned - MOST_WARNINGS;
    const line = more > 1 ? list.lastElementChild : list.appendChild(document.createElement('li'));
    if (line) line.textContent = more > 0 ? `… and ${more} more` : text;
  }

  /** How many warnings there are, for users who do not see the list. */
  private warnings(): string {
    const { warned } = this;
    return warned === 0 ? '' : ` ${warned} ${warned === 1 ? 'warning' : 'warnings'} below.`;
  }

  private become(phase: Phase): void {
    this.phase = phase;
    this.refresh();
  }

  /** Updates which buttons are enabled, and their labels. */
  private refresh(): void {
    const { phase, restored } = this;
    const idle = phase === 'idle';
    element('train').dataset.phase = phase;
    const first = restored ? 'Continue' : 'Start';
    const labels = { idle: first, opening: 'Preparing …', running: 'Pause', pausing: 'Pausing …', paused: 'Continue' };
    button('go').textContent = labels[phase];
    allow(button('go'), phase !== 'opening' && phase !== 'pausing');
    button('start-over').disabled = !(phase === 'paused' || (idle && restored));
    for (const id of ['save', 'try']) button(id).disabled = !(phase === 'running' || phase === 'paused');
    for (const id of ['continue', 'choose-folder', 'choose-zip']) button(id).disabled = !idle;
    allowChanges({ fresh: idle && restored === undefined, still: idle || phase === 'paused' });
    if (phase !== 'opening') this.compiling.hidden = true;
  }
}

/** Draws an SVG for the worker, which cannot. Antialiasing is the browser's, so the bits differ from Node's. */
async function drawSvg(file: Blob): Promise<ImageBitmap> {
  const picture = await createImageBitmap(await openSvg(file), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });
  return transfer(picture, [picture]);
}
