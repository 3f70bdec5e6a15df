import { expect, it } from 'vitest';
import { type Pairs, scheduleNotes } from '../../../src/cli/train/schedule.ts';
import { PRESETS, type TrainConfig } from '../../../src/pix2pix/train/config/config.ts';

const config = (more: Partial<TrainConfig> = {}): TrainConfig => ({ ...PRESETS.paper, batch: 4, ...more });
const of = (pairs: number, more: Partial<Pairs> = {}): Pairs => ({ pairs, what: 'pairs', perEpoch: 10, ...more });

it('reports pairs that do not fill a batch', () => {
  expect(scheduleNotes(config(), undefined, of(40))).toEqual([]);
  expect(scheduleNotes(config(), undefined, of(3))).toEqual([
    'there are 3 pairs, fewer than --batch_size 4: each batch repeats some of them',
  ]);
  expect(scheduleNotes(config(), undefined, of(42))).toEqual([
    '--batch_size 4 leaves 2 of 42 pairs out of each epoch, different ones each time; all are trained on',
  ]);
  // In order, none is left out.
  expect(scheduleNotes(config(), undefined, of(42, { serial: true }))).toEqual([]);
});

it('warns that a rate that had fallen rises again', () => {
  const before = { config: config({ epochs: 2, epochsDecay: 3 }), step: 50 };
  const longer = config({ epochs: 20, epochsDecay: 3 });
  expect(scheduleNotes(longer, before, of(40))).toEqual([
    'the learning rate had fallen to 0, and continues at 0.0002: the larger --n_epochs keeps it up',
  ]);
  const midway = { ...before, step: 30 };
  expect(scheduleNotes(config({ epochs: 3, epochsDecay: 3 }), midway, of(40))).toEqual([
    'the learning rate had fallen to 0.0001, and continues at 0.00015: the larger --n_epochs keeps it up',
  ]);
  // No note if the rate keeps falling, has not begun to fall, or is set by --lr.
  expect(scheduleNotes(before.config, before, of(40))).toEqual([]);
  expect(scheduleNotes(longer, { ...before, step: 20 }, of(40))).toEqual([
    'the learning rate had fallen to 0.00015, and continues at 0.0002: the larger --n_epochs keeps it up',
  ]);
  expect(scheduleNotes(longer, { ...before, step: 10 }, of(40))).toEqual([]);
  expect(scheduleNotes({ ...before.config, lr: 1 }, midway, of(40))).toEqual([]);
});

it('says that a cosine rises again', () => {
  const cosine = { lrPolicy: 'cosine', epochs: 5 } as const;
  expect(scheduleNotes(config({ ...cosine, epochsDecay: 0 }), undefined, of(40))).toEqual([]);
  expect(scheduleNotes(config({ ...cosine, epochsDecay: 2 }), undefined, of(40))[0]).toMatch(
    /rises again in --n_epochs_/,
  );
});
