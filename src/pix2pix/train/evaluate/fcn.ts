import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Device } from '../../../engine/gpu/device.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { encodeSafetensors } from '../../../engine/util/safetensors.ts';
import { cacheDirectory } from '../../../files/cache.ts';
import { writeSafetensorsAtomic } from '../../../files/files.ts';
import { asColours, CHANNELS } from '../../data/image/raster.ts';
import type { DataOptions, Dataset, OpenedData } from '../../data/sets/dataset.ts';
import { FACADE_CLASSES, readClasses } from '../../data/sources/facades/picture/classes.ts';
import { openDataset } from '../../data/sources/open.ts';
import { Segmenter } from '../../models/segmenter.ts';
import { allTensors, reading } from '../checkpoint/checkpoint.ts';
import { captureEntries } from '../checkpoint/state.ts';
import { ClassifierTraining, type ExampleSet } from '../steps/classifier.ts';
import type { Contender, Observer } from './evaluate.ts';
import { Confusion, type SegmentationScores } from './segmentation.ts';

const CLASSES = FACADE_CLASSES.length;
/** Fixed, so that all runs on the same pictures share one segmenter. */
const HOW = { format: 'pixtape-fcn', version: 1, hidden: 8, batch: 8, lr: 4e-3, seed: 0 } as const;
const STEPS = 1000;
/** Largest fraction of a label map's pixels with no class's colour. JPEG blurs the edges of areas. */
const MOST_STRANGE = 0.1;
const SAMPLE = 8;

/** Real pictures with the class of each pixel. */
class LabelledSet implements ExampleSet {
  readonly length: number;
  readonly pictures: Dataset;
  private readonly maps: Dataset;

  /** @param maps the same pairs, with unblended conditions */
  constructor(pictures: Dataset, maps: Dataset) {
    this.pictures = pictures;
    this.maps = maps;
    this.length = pictures.length;
  }

  async example(index: number, augment?: Parameters<ExampleSet['example']>[1]) {
    const { width, height } = this.pictures;
    const { real, condition } = await this.pictures.pair(index, augment?.());
    const map = this.maps === this.pictures ? condition : (await this.maps.pair(index, augment?.())).condition;
    return { picture: asColours(real, width * height), labels: readClasses(map).labels };
  }

  /** @throws PixtapeError if the conditions are not maps of the classes */
  async check(): Promise<void> {
    for (let i = 0; i < Math.min(SAMPLE, this.length); i++) {
      const at = Math.floor((i * this.length) / SAMPLE) % this.length;
      const { name, condition } = await this.maps.pair(at);
      const { strange } = readClasses(condition);
      if (strange <= MOST_STRANGE) continue;
      throw new PixtapeError(
        `the condition of ${name} is not a map of the classes of facades: ${Math.round(100 * strange)} % of its pixels have another colour`,
        'FCN scores need exact labels as the condition: --data facades-toy, or a folder of facades in the colours of CMP.',
      );
    }
  }
}

/** Describes the segmenter, for the record. */
export interface FcnRecord {
  parameters: number;
  steps: number;
  seed: number;
  /** Cross-entropy of its last training step, and the adapter that trained it. */
  loss: number;
  adapter: string;
  /** The file that holds it. */
  file: string;
}

/**
 * Opens the data sets for training and testing an FCN.
 * @param data the pairs to measure, opened with `options`
 * @throws PixtapeError if there are no exact labels, or the pictures have other than 1 or 3 channels
 */
export async function openLabelled(
  options: DataOptions,
  data: OpenedData,
): Promise<{ train: LabelledSet; test: LabelledSet }> {
  const { condition = CHANNELS, real = CHANNELS } = options.channels ?? {};
  if (real !== 1 && real !== CHANNELS) {
    throw new PixtapeError(
      `an FCN reads pictures of 1 or ${CHANNELS} channels; these have ${real}`,
      'Leave --fcn out.',
    );
  }
  const exact = {
    ...options,
    channels: { condition: CHANNELS, real },
    resize: 'nearest' as const,
    warn: () => undefined,
  };
  const same = options.resize === 'nearest' && condition === CHANNELS;
  const maps = same ? data : await openDataset(exact);
  const train = new LabelledSet(data.train, maps.train);
  await train.check();
  return { train, test: new LabelledSet(data.test, maps.test) };
}

/**
 * A small segmentation network trained once on the real pictures of a data set. It is kept in the cache folder, under a
 * digest of its training and of every picture and label.
 * @throws PixtapeError if its loss is not finite, or its file is damaged
 */
export async function fcnFor(
  device: Device,
  train: LabelledSet,
  { steps = STEPS, onStep = () => undefined }: { steps?: number; onStep?: (done: number, total: number) => void } = {},
): Promise<{ judge: ClassifierTraining<Segmenter>; record: FcnRecord; fresh: boolean }> {
  const { width, height } = train.pictures;
  const { hidden, batch, lr, seed } = HOW;
  const network = new Segmenter(device, { hidden, classes: CLASSES });
  const size = { height, width, places: [height, width] as const, classes: CLASSES };
  const judge = new ClassifierTraining(device, network, { ...size, batch: Math.min(batch, train.length), lr, seed });
  const file = join(cacheDirectory(), 'fcn', `${await digestOf(train, steps)}.safetensors`);
  const about = { parameters: network.parameterCount, steps, seed, file };
  if (existsSync(file)) {
    const { loss, adapter } = await reading(file, async (kept) => {
      network.loadStateDict(await allTensors(kept), { source: file });
      return kept.metadata;
    });
    return { judge, record: { ...about, loss: Number(loss), adapter: adapter ?? '' }, fresh: false };
  }
  const loss = await judge.train(train, steps, (done) => onStep(done, steps));
  const adapter = device.description;
  const metadata = { format: HOW.format, loss: String(loss), adapter };
  await writeSafetensorsAtomic(
    file,
    encodeSafetensors(await captureEntries(network.stateEntries(), { step: steps }), metadata),
  );
  return { judge, record: { ...about, loss, adapter }, fresh: true };
}

async function digestOf(train: LabelledSet, steps: number): Promise<string> {
  const { width, height } = train.pictures;
  const { format, version, hidden, batch, lr, seed } = HOW;
  const how = { format, version, hidden, steps, batch, lr, seed, width, height, length: train.length };
  const hash = createHash('sha256').update(JSON.stringify(how));
  for (let i = 0; i < train.length; i++) {
    const { picture, labels } = await train.example(i);
    hash.update(picture).update(labels);
  }
  return hash.digest('hex').slice(0, 32);
}

/** Segments pictures, and compares the classes with the true ones. */
export class FcnReader implements Observer {
  private readonly judge: ClassifierTraining;
  private readonly test: LabelledSet;
  private readonly read = new Map<Contender, Confusion>();

  constructor(judge: ClassifierTraining, test: LabelledSet) {
    this.judge = judge;
    this.test = test;
  }

  async look(index: number, pictures: Readonly<Partial<Record<Contender, Float32Array>>>): Promise<void> {
    const { labels } = await this.test.example(index);
    const { width, height } = this.test.pictures;
    // A copied condition is a label map and not a facade: do not segment it.
    const { copy: _, ...shown } = pictures;
    const named = await this.judge.classify(Object.values(shown).map((picture) => asColours(picture, width * height)));
    Object.keys(shown).forEach((key, i) => {
      const contender = key as Contender;
      const confusion = this.read.get(contender) ?? new Confusion(CLASSES);
      this.read.set(contender, confusion);
      confusion.add(labels, named.subarray(i * width * height, (i + 1) * width * height));
    });
  }

  scores(): Partial<Record<Contender, SegmentationScores>> {
    return Object.fromEntries([...this.read].map(([contender, confusion]) => [contender, confusion.scores()]));
  }
}

/** The names of the classes, in the order of `SegmentationScores.classes`. */
export const FCN_CLASSES: readonly string[] = FACADE_CLASSES;
