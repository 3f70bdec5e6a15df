/** The worker behind the Train view: holds one run. */

import { PixtapeError } from '../../../engine/util/errors.ts';
import { decodeSafetensors } from '../../../engine/util/safetensors.ts';
import type { DataSource } from '../../../pix2pix/data/sets/dataset.ts';
import { exportGenerator } from '../../../pix2pix/train/checkpoint/export.ts';
import type { RunRecord } from '../../../pix2pix/train/checkpoint/run_record.ts';
import { decodeHeader } from '../../../pix2pix/train/checkpoint/state.ts';
import { PRESETS, type TrainConfig } from '../../../pix2pix/train/config/config.ts';
import { expose } from '../../shared/remote.ts';
import { plain } from '../../shared/words.ts';
import { openSource } from '../sources/open.ts';
import type { DrawSvg, RestoredInfo, Schedule, Settings, Source, TrainEvent } from '../types.ts';
import type { Snapshot } from './build.ts';
import { Trainer } from './trainer.ts';

export type TrainCalls = typeof calls;

let trainer: Trainer | undefined;
/** A checkpoint to continue from. */
let restored: { config: TrainConfig; record: RunRecord; from: Snapshot } | undefined;

let tell: (event: TrainEvent) => void = () => undefined;
let drawSvg: DrawSvg;
const warn = (line: string) => tell({ kind: 'warning', text: plain(line) });

const calls = {
  /** To be called first. @param draw draws what a worker cannot */
  listen(onEvent: (event: TrainEvent) => void, draw: DrawSvg): void {
    tell = onEvent;
    drawSvg = draw;
  },

  /** Reads a checkpoint, from which the next run continues. */
  async restore(file: Blob, name: string): Promise<RestoredInfo> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const { metadata, tensors } = decodeSafetensors(bytes, name);
    const { config, step, run } = decodeHeader(metadata, name);
    if (![...tensors.keys()].some((key) => key.startsWith('adam.'))) {
      throw new PixtapeError(`${name} holds only a generator, which can paint but not continue training`);
    }
    const record = { ...freshRecord('folder', 'BtoA'), ...run } as RunRecord;
    restored = { config, record, from: { step, tensors } };
    const { data, direction } = record.data;
    return { name, config, step, source: data, direction };
  },

  /** Makes the next run start afresh. */
  forget(): void {
    restored = undefined;
  },

  /** Opens the pictures, makes a run, and starts it. A continued run ignores the settings, but not the schedule. */
  async begin(source: Source, settings: Settings, schedule: Schedule): Promise<void> {
    trainer?.destroy();
    trainer = undefined;
    const config = { ...(restored?.config ?? configOf(settings)), ...schedule };
    const kind = source.kind === 'openmoji' ? 'openmoji' : 'folder';
    const record = recordFor(kind, settings);
    tell({ kind: 'note', text: kind === 'openmoji' ? 'Fetching the emoji …' : 'Reading the pictures …' });
    const data = await openSource(source, record.data, config, warn, drawSvg);
    if (record.pairs !== undefined && record.pairs !== data.train.length) {
      warn(
        `the run began with ${record.pairs} training pairs, there are ${data.train.length} now: it goes on, in another order`,
      );
    }
    trainer = await Trainer.open(config, record, data, restored?.from, (event) => tell(event));
    restored = undefined;
    trainer.start();
  },

  resume(schedule: Schedule): void {
    trainer?.reschedule(schedule);
    trainer?.start();
  },

  async pause(): Promise<void> {
    await trainer?.pause();
  },

  /** The whole state, as the command line's `latest.safetensors`. */
  async checkpoint() {
    const { pieces, step } = await running().checkpoint();
    return { file: fileOf(pieces), step };
  },

  /** Only the generator, for the Paint view. */
  async generator(): Promise<Blob> {
    const { pieces } = await running().checkpoint();
    const bytes = new Uint8Array(await fileOf(pieces).arrayBuffer());
    const { metadata, tensors } = decodeSafetensors(bytes, 'the run');
    return fileOf(exportGenerator(decodeHeader(metadata, 'the run'), tensors, { half: false }));
  },

  /** Ends the run and frees its memory. */
  async end(): Promise<void> {
    await trainer?.pause();
    trainer?.destroy();
    trainer = undefined;
  },
};

function running(): Trainer {
  if (!trainer) throw new PixtapeError('no run has begun');
  return trainer;
}

function configOf({ size, hidden, batch }: Settings): TrainConfig {
  const { generator, ...rest } = PRESETS.quick;
  // People watch the first minute, in which the structural term would suppress colours. At this learning rate pictures
  // are stable without decay (held-out L1 of the emoji after 400 steps: 0.078, against 0.278 at 5e-3).
  const calm = { lambdaSsim: 0, lr: 2e-3 };
  return { ...rest, ...calm, width: size, height: size, batch, generator: { ...generator, hidden } };
}

function freshRecord(data: DataSource, direction: Settings['direction']): RunRecord {
  const plainly = { resize: 'nearest', flip: false, jitter: false } as const;
  return { preset: 'quick', data: { data, direction, ...plainly, skipBad: data === 'folder' } };
}

/** A continued run reads its pictures as before, but from where the page says. */
function recordFor(kind: 'folder' | 'openmoji', { direction }: Settings): RunRecord {
  if (!restored) return freshRecord(kind, direction);
  const { record } = restored;
  if (!['folder', 'openmoji'].includes(record.data.data)) {
    throw new PixtapeError(`this run learnt from the set “${record.data.data}”, which a page does not have`);
  }
  if (record.data.data !== kind) {
    const [was, is] = kind === 'folder' ? ['the emoji', 'pictures of yours'] : ['pictures of yours', 'the emoji'];
    throw new PixtapeError(`this run learnt from ${was}, not from ${is}`, 'Choose the same pictures as before.');
  }
  return { ...record, data: { ...record.data, skipBad: kind === 'folder' } };
}

/** A blob is passed to the page by reference, however large it is. */
const fileOf = (pieces: readonly Uint8Array[]) => new Blob(pieces as Uint8Array<ArrayBuffer>[]);

expose(calls);
