import type { Module, StateEntry } from '../../../engine/nn/module.ts';
import { NORMS } from '../../../engine/nn/norm.ts';
import type { Optimizer } from '../../../engine/nn/optim/optimizer.ts';
import { checkState, writeState } from '../../../engine/nn/state.ts';
import { PixtapeError } from '../../../engine/util/errors.ts';
import type { NamedTensor } from '../../../engine/util/safetensors.ts';
import { TUTORIAL_NETWORKS } from '../../models/networks.ts';
import { NETS_D } from '../../models/registry/discriminators.ts';
import { NETS_G } from '../../models/registry/generators.ts';
import { INITS } from '../../models/registry/kind.ts';
import { PRESETS, type TrainConfig } from '../config/config.ts';
import { GAN_MODES } from '../config/gan_loss.ts';
import { LR_POLICIES, PLATEAU_STATE, type PlateauRate } from '../config/rates.ts';
import { checkFinite, firstNotFinite } from './finite.ts';

/**
 * A checkpoint holds the networks under `gen.` and `disc.` with PyTorch's names, the generator of averaged weights, if
 * any, under `ema.`, and Adam's two averages of each weight under `adam.gen.exp_avg.` and so on. It also holds the
 * state of the loss scales with --precision f16, and the state of the plateau with --lr_policy plateau. Random numbers
 * need no state: they are functions of (seed, step, index).
 */
export const CHECKPOINT_FORMAT = 'pixtape-checkpoint';
export const CHECKPOINT_VERSION = '1';
/** A GAN's checkpoint; see gan_checkpoint.ts. */
export const GAN_FORMAT = 'pixtape-gan-checkpoint';
/** A CycleGAN's checkpoint; see cycle/checkpoint.ts. */
export const CYCLE_FORMAT = 'pixtape-cycle-checkpoint';
/** The commands that write and use each format. */
const COMMANDS: Readonly<Record<string, { wrote: string; used: string }>> = {
  [CHECKPOINT_FORMAT]: { wrote: 'pixtape train', used: 'pixtape translate paints with it' },
  [CYCLE_FORMAT]: { wrote: 'pixtape train --model cycle_gan', used: 'pixtape translate paints with it' },
  [GAN_FORMAT]: { wrote: 'pixtape gan', used: 'pixtape sample draws with it' },
};
const GENERATOR = 'gen.';
const AVERAGED = 'ema.';
const DISC = 'disc.';

/** What every model in training has besides its networks and optimizers. */
export interface Progressing {
  /** Steps done. */
  step: number;
  readonly plateau?: PlateauRate | undefined;
}

/** Two networks in training, as Pix2Pix and the GAN are; or a generator by itself. */
export interface GanState extends Progressing {
  readonly generator: Module;
  readonly disc: Module | undefined;
  readonly optimG: Optimizer;
  readonly optimD: Optimizer | undefined;
  /** The generator with its weights averaged over steps, if the run averages them. */
  readonly averaged?: Module | undefined;
}

export interface CheckpointHeader<C = TrainConfig> {
  config: C;
  /** Steps done. */
  step: number;
  /** What the command line needs to continue the run: see `RunRecord`. */
  run: Record<string, unknown>;
}

function networkEntries(model: GanState): StateEntry[] {
  const { generator, disc, averaged } = model;
  return [generator.stateEntries(GENERATOR), averaged?.stateEntries(AVERAGED), disc?.stateEntries(DISC)].flatMap(
    (entries) => entries ?? [],
  );
}

function adamEntries(model: GanState): StateEntry[] {
  const { generator, optimG, disc, optimD } = model;
  const ofDisc = disc && optimD ? optimizerEntries('disc', disc.stateEntries(), optimD) : [];
  return [...optimizerEntries('gen', generator.stateEntries(), optimG), ...ofDisc];
}

/**
 * An optimizer's state for a network, under `adam.NET.exp_avg.NAME` and so on.
 * @param network the entries of all modules whose parameters it has, in that order
 */
export function optimizerEntries(net: string, network: readonly StateEntry[], optim: Optimizer): StateEntry[] {
  const kind = 'buffer';
  const learnt = new Map(network.flatMap((e) => (e.kind === 'parameter' ? [[e.tensor, e.name]] : [])));
  const names = [...learnt.values()];
  const averages = [...optim.state()];
  const { lossScale } = optim;
  const scaling: StateEntry[] = lossScale
    ? [
        { name: `adam.${net}.loss_scale`, tensor: lossScale.scale, kind },
        { name: `adam.${net}.good_steps`, tensor: lossScale.goodSteps, kind: 'counter' },
      ]
    : [];
  const own = names.flatMap((name, i) =>
    averages.map(([average, tensors]): StateEntry => {
      const tensor = tensors[i];
      if (!tensor) throw new Error(`the optimizer has no ${average} of ${net}.${name}`);
      return { name: `adam.${net}.${average}.${name}`, tensor, kind };
    }),
  );
  return [...own, ...scaling];
}

/**
 * Reads the whole state back. Waits for the GPU.
 * @throws PixtapeError if a weight is NaN or infinite: such a state must not replace a good checkpoint
 */
export function captureState(model: GanState): Promise<Map<string, NamedTensor>> {
  return captureEntries([...networkEntries(model), ...adamEntries(model)], model);
}

/** As `captureState`, for these tensors of a model. */
export async function captureEntries(
  entries: readonly StateEntry[],
  { step, plateau }: Progressing,
): Promise<Map<string, NamedTensor>> {
  const tensors = new Map<string, NamedTensor>();
  if (plateau) tensors.set(PLATEAU_STATE, plateau.state());
  for (const { name, tensor, kind } of entries) {
    if (kind === 'counter') {
      const [count = 0] = await tensor.readIntegers();
      tensors.set(name, { dtype: 'I64', shape: [], data: BigInt64Array.of(BigInt(count)) });
      continue;
    }
    const data = await tensor.read();
    const bad = firstNotFinite(data);
    if (bad >= 0) {
      throw new PixtapeError(
        `${name}[${bad}] is ${data[bad]} after step ${step}: this state is not saved`,
        'Go on from the last good checkpoint with --continue_train and a smaller --lr.',
      );
    }
    tensors.set(name, { dtype: 'F32', shape: [...tensor.shape], data });
  }
  return tensors;
}

/** Encodes a checkpoint's metadata. */
export function encodeHeader(header: CheckpointHeader<unknown>, format = CHECKPOINT_FORMAT): Record<string, string> {
  return {
    format,
    version: CHECKPOINT_VERSION,
    config: JSON.stringify(header.config),
    step: String(header.step),
    run: JSON.stringify(header.run),
  };
}

/** @throws PixtapeError if this is not one of our checkpoints, or one of a later version */
export function decodeHeader(metadata: Readonly<Record<string, string>>, file: string): CheckpointHeader {
  return decodeDescription(metadata, file, CHECKPOINT_FORMAT, (config) => {
    return checkConfig(config);
  });
}

/** A CycleGAN's generators: G_A paints B from A, G_B paints A from B. */
export const CYCLE_GENERATORS = ['G_A', 'G_B'] as const;
export type CycleGenerator = (typeof CYCLE_GENERATORS)[number];

/**
 * Decodes the metadata of any checkpoint with a picture-to-picture generator. Also returns the prefix of its names, if
 * there is a choice.
 * @param network which generator, if there are two
 * @throws PixtapeError as `decodeHeader`, and if a network is named although there is only one generator
 */
export function decodePainter(
  metadata: Readonly<Record<string, string>>,
  file: string,
  network?: CycleGenerator,
): { header: CheckpointHeader; prefix: string | undefined } {
  if (metadata.format === CYCLE_FORMAT) {
    return { header: decodeDescription(metadata, file, CYCLE_FORMAT, checkConfig), prefix: `${network ?? 'G_A'}.` };
  }
  if (network !== undefined) throw new PixtapeError(`${file} has one generator and none that is named ${network}`);
  return { header: decodeHeader(metadata, file), prefix: undefined };
}

/**
 * Decodes the metadata of a checkpoint of any format.
 * @param check checks that it is a configuration of that format
 */
export function decodeDescription<C>(
  metadata: Readonly<Record<string, string>>,
  file: string,
  format: string,
  check: (config: unknown) => C,
): CheckpointHeader<C> {
  if (metadata.format !== format) {
    const { format: found = '' } = metadata;
    const other = Object.hasOwn(COMMANDS, found) ? COMMANDS[found] : undefined;
    throw new PixtapeError(
      other
        ? `${file} is a checkpoint that \`${other.wrote}\` wrote: ${other.used}`
        : `${file} is a safetensors file, but no pixtape checkpoint`,
      `Give a file that \`${COMMANDS[format]?.wrote}\` wrote, e.g. runs/NAME/latest.safetensors.`,
    );
  }
  if (metadata.version !== CHECKPOINT_VERSION) {
    throw new PixtapeError(
      `${file} has checkpoint version ${metadata.version}, this program reads ${CHECKPOINT_VERSION}`,
    );
  }
  try {
    const step = Number(metadata.step);
    if (!Number.isInteger(step) || step < 0) throw new Error(`step is ${metadata.step}`);
    const config = check(JSON.parse(metadata.config ?? ''));
    return { config, step, run: checkRun(JSON.parse(metadata.run ?? '{}')) };
  } catch (cause) {
    throw new PixtapeError(
      `${file}: its description is damaged (${(cause as Error).message})`,
      'Use another checkpoint.',
      {
        cause,
      },
    );
  }
}

/** Makes what a file describes. @throws PixtapeError as `make` does, prefixed with the file's name if that may be at fault */
export function ofFile<T>(file: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof PixtapeError) || cause.message.includes(file)) throw cause;
    if (cause.code === 'device-lost') throw cause;
    const { message, hint, code, details } = cause;
    throw new PixtapeError(`${file}: ${message.split('\n')[0]}`, hint, { code, details, cause });
  }
}

/** Checks `data`, if there is any, against `PairData`, because it is used without further checks. */
function checkRun(run: unknown): Record<string, unknown> {
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(run)) throw new Error('run is no object');
  const { data } = run as { data?: unknown };
  if (data === undefined) return run as Record<string, unknown>;
  if (!isObject(data)) throw new Error('run.data is no object');
  const { direction = 'BtoA', resize = 'nearest', range = { min: 0, max: 1 } } = data as Record<string, unknown>;
  const { min, max } = (range ?? {}) as Record<string, unknown>;
  if (direction !== 'AtoB' && direction !== 'BtoA') throw new Error('run.data.direction is neither AtoB nor BtoA');
  if (resize !== 'nearest' && resize !== 'bilinear') throw new Error('run.data.resize is neither nearest nor bilinear');
  if (!(typeof min === 'number' && typeof max === 'number' && min < max)) throw new Error('run.data.range is no range');
  return run as Record<string, unknown>;
}

/** Fields of old checkpoints that have another name today. */
const RENAMED = new Map<string, keyof TrainConfig>([['lambda', 'lambdaL1']]);

/**
 * Checks a checkpoint's configuration. Old checkpoints get today's names and the defaults of their time: the tutorial's
 * networks, no structural term, no average of weights. See also `RateConfig`.
 */
export function checkConfig(given: unknown): TrainConfig {
  const before = { ...TUTORIAL_NETWORKS, ganMode: 'vanilla', lambdaSsim: 0, ema: 0 };
  // Keep the order of the fields, so that they are written again as they were read.
  const config = Object.fromEntries(
    Object.entries(given ?? {}).map(([key, value]) => [RENAMED.get(key) ?? key, value]),
  ) as unknown as TrainConfig;
  for (const [key, value] of Object.entries(before)) if (!(key in config)) Object.assign(config, { [key]: value });
  const { lrPolicy: _, ...wanted } = PRESETS.tutorial;
  checkFields(config, wanted, 'config');
  const { lrPolicy, lrDecayIters = 1 } = config;
  if (lrPolicy !== undefined && !LR_POLICIES.includes(lrPolicy)) {
    throw new Error(`config.lrPolicy is ${JSON.stringify(lrPolicy)}`);
  }
  if (!Number.isInteger(lrDecayIters) || lrDecayIters < 1) {
    throw new Error(`config.lrDecayIters is ${JSON.stringify(lrDecayIters)}`);
  }
  const choices = { netG: NETS_G, netD: NETS_D, norm: NORMS, ganMode: GAN_MODES, init: INITS };
  for (const [key, known] of Object.entries(choices)) {
    const value = config[key as keyof typeof choices];
    if (!(known as readonly string[]).includes(value)) throw new Error(`config.${key} is ${JSON.stringify(value)}`);
  }
  const { precision = 'f32', ema } = config;
  if (ema >= 1) throw new Error(`config.ema is ${ema}`);
  if (precision !== 'f32' && precision !== 'f16') throw new Error(`config.precision is ${JSON.stringify(precision)}`);
  return config;
}

/** The largest sound counts. Networks are built from these numbers before a tensor is read. */
const MOST: Readonly<Record<string, number>> = {
  inChannels: 2 ** 16,
  outChannels: 2 ** 16,
  hidden: 2 ** 16,
  depth: 20,
  discHidden: 2 ** 16,
  discLayers: 16,
  width: 2 ** 20,
  height: 2 ** 20,
  batch: 2 ** 20,
  side: 2 ** 12,
  nz: 2 ** 16,
  ngf: 2 ** 16,
  ndf: 2 ** 16,
};

function isSound(key: string, value: number): boolean {
  const most = MOST[key];
  if (most === undefined) return Number.isFinite(value) && value >= 0;
  return Number.isInteger(value) && value >= 1 && value <= most;
}

/**
 * Checks that the configuration has every field, with the right type and a plausible size. Otherwise a bad file would
 * fail later, with an unclear error.
 */
export function checkFields(given: unknown, wanted: object, path: string): void {
  for (const [key, example] of Object.entries(wanted)) {
    const value = (given as Record<string, unknown> | null)?.[key];
    const fits = typeof value === typeof example && value !== null;
    if (!fits || (typeof value === 'number' && !isSound(key, value))) {
      throw new Error(`${path}.${key} is ${JSON.stringify(value)?.slice(0, 80)}`);
    }
    if (typeof example === 'object') checkFields(value, example, `${path}.${key}`);
  }
}

/**
 * Restores a captured state.
 * @throws PixtapeError naming the tensor that is missing, left over, of another shape or type, or not finite
 */
export function restoreState(
  model: GanState,
  values: ReadonlyMap<string, NamedTensor>,
  step: number,
  file: string,
): void {
  if (![...values.keys()].some((name) => name.startsWith('adam.'))) {
    throw new PixtapeError(
      `${file} holds only a generator, which can paint but not continue training`,
      'Give the whole checkpoint, e.g. runs/NAME/latest.safetensors.',
    );
  }
  restoreEntries([...networkEntries(model), ...adamEntries(model)], model, values, step, file);
}

/** As `restoreState`, for these tensors of a model. */
export function restoreEntries(
  entries: readonly StateEntry[],
  model: Progressing,
  values: ReadonlyMap<string, NamedTensor>,
  step: number,
  file: string,
): void {
  const tensors = new Map(values);
  tensors.delete(PLATEAU_STATE);
  checkState(entries, tensors, { source: file });
  checkFinite(tensors, file);
  const plateau = values.get(PLATEAU_STATE);
  if (plateau) model.plateau?.restore(plateau, file);
  writeState(entries, tensors);
  model.step = step;
}

/**
 * Finds the tensors of the generator to predict with in a file, and maps its own names, which are PyTorch's, to the
 * file's. In a checkpoint they begin with `ema.`, or with `gen.` if no weights were averaged. A file of the generator
 * alone has no prefix, so that PyTorch can load it.
 * @param given the prefix, if the file has several generators
 */
export function generatorNames(names: Iterable<string>, given?: string): Map<string, string> {
  const all = [...names];
  const prefixes = given === undefined ? [AVERAGED, GENERATOR] : [given];
  const prefix = prefixes.find((start) => all.some((name) => name.startsWith(start))) ?? '';
  return new Map(all.flatMap((name) => (name.startsWith(prefix) ? [[name.slice(prefix.length), name]] : [])));
}

/** The generator's tensors among a file's, under its own names. */
export function generatorOf(values: ReadonlyMap<string, NamedTensor>, prefix?: string): Map<string, NamedTensor> {
  return new Map(
    [...generatorNames(values.keys(), prefix)].map(([own, name]) => [own, values.get(name) as NamedTensor]),
  );
}

/**
 * Restores only the generator, which is enough for inference.
 * @param values of a checkpoint or of a generator's file; F16, as written by `exportGenerator`, is converted
 */
export function restoreGenerator(generator: Module, values: ReadonlyMap<string, NamedTensor>, file: string): void {
  const own = generatorOf(values);
  checkFinite(own, file);
  generator.loadStateDict(own, { source: file });
}
