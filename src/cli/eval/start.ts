import { resolve } from 'node:path';
import { openDevice } from '../../drivers/open_device.ts';
import type { Device } from '../../engine/gpu/device.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { writeFileAtomic } from '../../files/files.ts';
import { type DataOptions, FACES, type OpenedData, type PairData } from '../../pix2pix/data/sets/dataset.ts';
import { OPENMOJI_CREDITS } from '../../pix2pix/data/sources/emoji/emoji.ts';
import { openDataset } from '../../pix2pix/data/sources/open.ts';
import { loadGenerator, readCheckpointHeader } from '../../pix2pix/train/checkpoint/checkpoint.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import type { CheckpointHeader } from '../../pix2pix/train/checkpoint/state.ts';
import {
  comparisonRows,
  type Evaluation,
  evaluate,
  meanPicture,
  type Observer,
  type Predictors,
} from '../../pix2pix/train/evaluate/evaluate.ts';
import { FCN_CLASSES, FcnReader, fcnFor, openLabelled } from '../../pix2pix/train/evaluate/fcn.ts';
import { chooseSamples } from '../../pix2pix/train/evaluate/held_out.ts';
import { checkMemory, estimatePrediction } from '../../pix2pix/train/memory/estimate.ts';
import { pictureTable } from '../../pix2pix/train/sheets/grid.ts';
import { Predictor } from '../../pix2pix/train/steps/predictor.ts';
import { findCheckpoint } from '../checkpoint/find.ts';
import { counter } from '../shared/counter.ts';
import { type ModeFlags, paintingMode, predictorMode } from '../shared/mode.ts';
import { refuseTwoSets } from '../train/config.ts';
import type { EvalFlags } from './flags.ts';
import { checkL1Run, howToTrainL1 } from './l1_run.ts';
import { fcnTable, scoreNotes, scoreTable } from './table.ts';

export interface Measured {
  path: string;
  header: CheckpointHeader;
}

interface Size {
  width: number;
  height: number;
}

const warn = (line: string) => console.warn(`warning: ${line}`);

/** `pixtape eval`. */
export async function evaluateCheckpoint(checkpoint: string, flags: EvalFlags): Promise<void> {
  const find = async (name: string): Promise<Measured> => {
    const path = findCheckpoint(name, flags.checkpoints_dir);
    return { path, header: await readCheckpointHeader(path) };
  };
  const ours = await find(checkpoint);
  const l1 = flags.l1 === undefined ? undefined : await find(flags.l1);
  const differences = l1 ? checkL1Run(ours, l1) : [];
  const { width, height, seed, ganMode, lambdaSsim } = ours.header.config;
  const alone = ganMode === 'none' && lambdaSsim === 0;
  const options = dataOptions(ours, flags);
  const onRendered = counter((done, total) => `data     ${done} of ${total} drawings rendered`);
  const { inChannels: condition, outChannels: real } = ours.header.config.generator;
  const channels = { condition, real };
  // Flip only for the FCN's training pictures: nothing else here is augmented.
  const opening = { ...options, flip: flags.fcn ?? false, channels, width, height, seed, warn, onRendered };
  const data = await openDataset(opening);
  const indices = chooseSamples(data.test, flags.num_test ?? data.test.length);
  if (indices.length === 0) {
    throw new PixtapeError(`there is no held-out picture: ${data.summary}`, 'Name a folder that has some.');
  }

  const device = await openDevice(flags.adapter);
  try {
    console.log(`adapter  ${device.description}`);
    console.log(`model    ${describe(ours)}; ${paintingMode(flags, ours.header.config.generator)}`);
    if (l1) console.log(`L1 alone ${describe(l1)}`);
    console.log(`data     ${data.summary}`);
    for (const line of differences) warn(line);
    const predictors = {
      ours: await predictorOf(device, ours, data.test, flags),
      ...(l1 ? { l1: await predictorOf(device, l1, data.test, flags) } : {}),
    };
    const fcn = flags.fcn ? await fcnReader(device, opening, data) : undefined;
    const evaluation = await measure(data, indices, predictors, fcn ? [fcn.reader] : []);
    console.log(`measured ${indices.length} of ${data.test.length} held-out pictures, ${width} × ${height}\n`);
    console.log(scoreTable(evaluation, alone));
    console.log(`\n${scoreNotes(evaluation)}`);
    if (fcn) console.log(`\n${fcnTable(fcn.reader.scores(), alone)}\n`);
    if (!l1 && !alone) console.log(`L1 alone is not measured: ${howToTrainL1(ours.header)}`);
    if (flags.json !== undefined) {
      const about = {
        checkpoint: ours.path,
        step: ours.header.step,
        l1: l1?.path,
        mode: paintingMode(flags, ours.header.config.generator),
        ...(flags.dropout ? { dropout: true, seed: flags.seed ?? seed } : { dropout: false }),
        differences,
        data: data.summary,
        ...(fcn ? { fcn: { ...fcn.record, classes: FCN_CLASSES, scores: fcn.reader.scores() } } : {}),
      };
      const size = { width, height, count: indices.length, of: data.test.length };
      await writeFileAtomic(flags.json, `${JSON.stringify({ ...about, ...size, ...evaluation }, null, 1)}\n`);
      console.log(`scores   → ${flags.json}`);
    }
    const emojis = options.data === 'openmoji';
    if (flags.sheet !== undefined) await drawSheet(flags.sheet, data, predictors, flags, emojis);
    if (emojis) console.log(`the pictures are OpenMoji's. ${OPENMOJI_CREDITS}`);
  } finally {
    device.destroy();
  }
}

function describe({ path, header: { config, step } }: Measured): string {
  return `${path}, step ${step}, trained at ${config.width} × ${config.height}`;
}

/** The run's own pictures, or the ones the flags name, without flips and jitter. */
export function dataOptions(
  { path, header }: Measured,
  flags: Pick<EvalFlags, 'data' | 'dataroot' | 'direction' | 'resize' | 'skip_bad'>,
): PairData {
  const own = (header.run as Partial<RunRecord>).data;
  const { data, dataroot, direction, resize, skip_bad: skipBad } = flags;
  const plain = {
    direction: direction ?? own?.direction ?? 'BtoA',
    resize: resize ?? own?.resize ?? 'nearest',
    skipBad: skipBad ?? own?.skipBad ?? false,
    flip: false,
    jitter: false,
    ...(own?.range ? { range: own.range } : {}),
  };
  if (data !== undefined || dataroot !== undefined) {
    refuseTwoSets(data ?? 'folder', { dataroot });
    return { ...plain, data: data ?? 'folder', ...(dataroot === undefined ? {} : { dataroot: resolve(dataroot) }) };
  }
  if (own && (own.data !== 'folder' || own.dataroot !== undefined)) return { ...own, ...plain };
  throw new PixtapeError(
    `${path} does not say where its pictures are`,
    'Name them: pixtape eval CHECKPOINT DIR, or --data SET.',
  );
}

/** @throws PixtapeError if there is not enough memory, or the pictures do not fit */
export async function predictorOf(
  device: Device,
  { path, header }: Measured,
  { width, height }: Size,
  flags: ModeFlags & Pick<EvalFlags, 'seed'>,
): Promise<Predictor> {
  const need = await estimatePrediction(device, header.config, height, width);
  checkMemory(device, need, `painting with ${path}`, 'what else uses the GPU');
  const { generator, rng } = await loadGenerator(device, path, flags.seed);
  const predictor = new Predictor(device, generator, predictorMode(flags, rng));
  await predictor.program(1, height, width);
  return predictor;
}

async function measure(
  { train, test }: OpenedData,
  indices: readonly number[],
  predictors: Predictors,
  observers: readonly Observer[],
): Promise<Evaluation> {
  const read = counter((done, total) => `mean     ${done} of ${total} training pictures read`);
  const mean = await meanPicture(train, (done) => read(done, train.length));
  const shown = counter((done, total) => `measured ${done} of ${total} pictures`);
  const onDone = (done: number) => shown(done, indices.length);
  return evaluate(test, indices, predictors, mean, { observers, onDone });
}

/** Finds or trains the network that segments pictures. */
async function fcnReader(device: Device, options: DataOptions, data: OpenedData) {
  const { train, test } = await openLabelled(options, data);
  const { judge, record, fresh } = await fcnFor(device, train, {
    onStep: counter((done, total) => `FCN      ${done} of ${total} steps`),
  });
  const { parameters, steps, loss, adapter, file } = record;
  const made = fresh ? 'trained now, kept in' : `trained before on ${adapter}, from`;
  console.log(`FCN      ${parameters} weights, ${steps} steps, loss ${loss.toFixed(4)}; ${made} ${file}`);
  return { reader: new FcnReader(judge, test), record };
}

async function drawSheet(
  path: string,
  { test }: OpenedData,
  predictors: Predictors,
  flags: EvalFlags,
  emojis: boolean,
) {
  const chosen = chooseSamples(test, flags.samples, emojis ? FACES : undefined);
  const labels = ['condition', ...(predictors.l1 ? ['L1 alone'] : []), 'ours', 'real'];
  const rows = await comparisonRows(test, chosen, predictors);
  await writeFileAtomic(path, await pictureTable(rows, labels, test.width, test.height));
  console.log(`sheet    ${rows.length} pictures → ${path}`);
}
