import { formatBytes } from '../../util/format.ts';
import { askForFiles, button, download, element, input, makeWorker, Status, select } from '../page/dom.ts';
import { type PlacedFile, placed } from '../page/dropped.ts';
import { Remote, revive } from '../shared/remote.ts';
import { explain, shortCount } from '../shared/words.ts';
import { Curves } from './curves.ts';
import { SampleSheet } from './sample_sheet.ts';
import type { Progress, RestoredInfo, Settings, Source, TrainEvent } from './types.ts';
import type { TrainCalls } from './worker.ts';

type Phase = 'idle' | 'opening' | 'running' | 'pausing' | 'paused';

const SETTINGS = ['size', 'hidden', 'batch', 'direction'] as const;

/** Train on the emoji or on pictures of one's own, and watch. */
export class TrainView {
  private readonly remote = new Remote<TrainCalls, TrainEvent>(makeWorker('train'), (event) => this.on(event));
  private readonly status = new Status(element('train-status'));
  private readonly curves = new Curves();
  private readonly sheet = new SampleSheet(element('samples'));
  private readonly onPaint: (generator: Blob) => void;
  private phase: Phase = 'idle';
  private own: Source | undefined;
  private restored: RestoredInfo | undefined;
  private step = 0;

  /** @param onPaint is given a generator to paint with */
  constructor(onPaint: (generator: Blob) => void) {
    this.onPaint = onPaint;
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

  /** What was dropped or chosen: a checkpoint to go on from, a zip, or pictures. */
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
      this.restored = await this.remote.call('restore', [file, path]);
      const { source, config, step, direction } = this.restored;
      input(source === 'openmoji' ? 'openmoji' : 'own').checked = true;
      for (const [id, value] of [
        ['size', config.width],
        ['hidden', config.generator.hidden],
        ['batch', config.batch],
        ['direction', direction],
      ] as const) {
        choose(select(id), String(value));
      }
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
        await this.remote.call('pause', []);
      } else if (this.phase === 'paused') await this.remote.call('resume', []);
      else if (this.phase === 'idle') await this.begin();
    } catch (error) {
      this.status.warn(explain(error));
    }
  }

  private async begin(): Promise<void> {
    const source: Source | undefined = input('openmoji').checked ? { kind: 'openmoji' } : this.own;
    if (!source) return this.status.warn('Drop a folder or a zip of pairs here first, or choose one.');
    this.become('opening');
    this.curves.clear();
    this.sheet.clear();
    element('warnings').replaceChildren();
    try {
      await this.remote.call('begin', [source, this.settings()]);
      this.restored = undefined;
    } catch (error) {
      this.become('idle');
      throw error;
    }
  }

  private settings(): Settings {
    const number = (id: string) => Number(select(id).value);
    const direction = select('direction').value === 'AtoB' ? 'AtoB' : 'BtoA';
    return {
      size: number('size'),
      hidden: number('hidden'),
      batch: number('batch'),
      direction: input('openmoji').checked ? 'BtoA' : direction,
    };
  }

  private async startOver(): Promise<void> {
    await this.remote.call('forget', []);
    await this.remote.call('end', []);
    this.restored = undefined;
    this.become('idle');
    this.status.say('Ready for another run.');
  }

  private async save(): Promise<void> {
    await this.withCheckpoint(async () => {
      const { file, step } = await this.remote.call('checkpoint', []);
      download(file, 'latest.safetensors');
      this.status.say(
        `Saved after step ${step.toLocaleString('en')}. As runs/NAME/latest.safetensors, the command line goes on from it: ` +
          'pixtape train --continue_train --name NAME',
      );
    });
  }

  private async paintWithIt(): Promise<void> {
    await this.withCheckpoint(async () => this.onPaint(await this.remote.call('generator', [])));
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
      case 'warning':
        this.warn(event.text);
        break;
      case 'opened':
        element('run-summary').textContent =
          `${event.summary}. Generator with ${shortCount(event.parameters)} parameters, on ${event.adapter}.`;
        break;
      case 'running':
        this.become('running');
        this.status.say('Training …');
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
        this.status.say(`Paused after step ${this.step.toLocaleString('en')}.`);
        break;
      case 'failed':
        this.become('paused');
        this.status.warn(explain(revive(event.failure)));
    }
  }

  private showProgress({ step, epoch, imagesPerSecond, memory, points }: Progress): void {
    this.step = step;
    element('fact-step').textContent = step.toLocaleString('en');
    element('fact-epoch').textContent = epoch.toLocaleString('en');
    element('fact-speed').textContent = imagesPerSecond.toPrecision(3);
    element('fact-memory').textContent = formatBytes(memory);
    this.curves.add(points);
  }

  private warn(text: string): void {
    const line = document.createElement('li');
    line.textContent = text;
    element('warnings').append(line);
  }

  private become(phase: Phase): void {
    this.phase = phase;
    this.refresh();
  }

  /** What can be pressed now, and what it is called. */
  private refresh(): void {
    const { phase, restored } = this;
    const idle = phase === 'idle';
    element('train').dataset.phase = phase;
    const first = restored ? 'Continue' : 'Start';
    const labels = { idle: first, opening: 'Preparing …', running: 'Pause', pausing: 'Pausing …', paused: 'Continue' };
    button('go').textContent = labels[phase];
    button('go').disabled = phase === 'opening' || phase === 'pausing';
    button('start-over').disabled = !(phase === 'paused' || (idle && restored));
    for (const id of ['save', 'try']) button(id).disabled = !(phase === 'running' || phase === 'paused');
    for (const id of ['continue', 'choose-folder', 'choose-zip']) button(id).disabled = !idle;
    for (const id of ['openmoji', 'own']) input(id).disabled = !idle || restored !== undefined;
    for (const id of SETTINGS) select(id).disabled = !idle || restored !== undefined;
    element('direction-row').hidden = input('openmoji').checked;
  }
}

/** Chooses a value, also one that the list does not offer: a checkpoint may have any. */
function choose(list: HTMLSelectElement, value: string): void {
  if (![...list.options].some((option) => option.value === value)) list.add(new Option(value, value));
  list.value = value;
}
