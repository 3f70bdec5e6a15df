import type { Module } from '../../src/engine/nn/module.ts';
import { NORMS } from '../../src/engine/nn/norm.ts';
import { PixtapeError } from '../../src/engine/util/errors.ts';
import type { NamedTensor } from '../../src/engine/util/safetensors.ts';
import { checkNetworks, parseGeneratorName, TUTORIAL_NETWORKS } from '../../src/pix2pix/models/networks.ts';
import { NETS_D } from '../../src/pix2pix/models/registry/discriminators.ts';
import { PRESETS, type TrainConfig } from '../../src/pix2pix/train/config/config.ts';

/** The two networks, in the order in which a step trains them. */
export const NETS = ['disc', 'gen'] as const;
export type Net = (typeof NETS)[number];
export const LOSSES = ['disc', 'gen', 'adv', 'l1'] as const;

/** A training problem and PyTorch's results, checked as far as possible without the networks. */
export interface Fixture {
  file: string;
  config: TrainConfig;
  steps: number;
  /** How many ranks share the batch, each with batch norm over its own part. */
  ranks: number;
  /** Real pictures and conditions, NCHW, in the generator's own range of values: one batch, used for every step. */
  batch: { real: Float32Array; condition: Float32Array };
  /** Every tensor of the file. */
  tensors: ReadonlyMap<string, NamedTensor>;
}

const HINT = 'tools/pytorch/python/make_fixtures.py writes files that fit.';

/**
 * Reads a file's text and tensors as a fixture of format version 1.
 * @throws PixtapeError naming the file and the first thing that does not fit
 */
export function readFixture(
  metadata: Readonly<Record<string, string>>,
  tensors: ReadonlyMap<string, NamedTensor>,
  file: string,
): Fixture {
  const { format = '(none)', version = '(none)' } = metadata;
  if (format !== 'pixtape-reference' || version !== '1') {
    const is = `${file}: its format is ${format}, version ${version}`;
    throw new PixtapeError(`${is}; expected pixtape-reference, version 1`, HINT);
  }
  const { config, steps, ranks } = readConfig(metadata.config, file);
  for (const name of tensors.keys()) {
    const known =
      /^(gen|disc|expect\.(grad|after)\.(gen|disc))\.|^input\.(real|condition)$|^expect\.(fake|fake_eval|loss\.(disc|gen|adv|l1)|curve\.(disc|gen))$/;
    if (!known.test(name)) throw new PixtapeError(`${file}: the format knows no tensor ${name}`, HINT);
  }
  const { generator, batch, height, width } = config;
  const picture = (channels: number) => [batch, channels, height, width];
  const fixture = { file, config, steps, ranks, tensors };
  const float = (name: string, shape: readonly number[]) => floats(fixture, name, shape);
  float('expect.fake', picture(generator.outChannels));
  float('expect.fake_eval', picture(generator.outChannels));
  for (const name of LOSSES) float(`expect.loss.${name}`, [1]);
  for (const net of NETS) float(`expect.curve.${net}`, [steps]);
  const real = float('input.real', picture(generator.outChannels));
  return { ...fixture, batch: { real, condition: float('input.condition', picture(generator.inChannels)) } };
}

/** Compares the file's names, types and shapes with those of a network: state and expectations. */
export function checkNetwork(fixture: Fixture, net: Net, network: Module): void {
  const entries = network.stateEntries();
  const parameters = entries.filter(({ kind }) => kind === 'parameter');
  const sections: [string, typeof entries][] = [
    [`${net}.`, entries],
    [`expect.after.${net}.`, entries],
    [`expect.grad.${net}.`, parameters],
  ];
  for (const [prefix, wanted] of sections) {
    for (const { name, tensor, kind } of wanted) {
      if (kind === 'counter') count(fixture, prefix + name);
      else floats(fixture, prefix + name, tensor.shape);
    }
    const known = new Set(wanted.map(({ name }) => prefix + name));
    for (const name of fixture.tensors.keys()) {
      if (name.startsWith(prefix) && !known.has(name)) {
        throw new PixtapeError(`${fixture.file}: ${name} has no counterpart in the model of its config`, HINT);
      }
    }
  }
}

/** The tensors whose names start with `prefix`, named without it. */
export function under({ tensors }: Pick<Fixture, 'tensors'>, prefix: string): Map<string, NamedTensor> {
  const found = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** A counter's value, I64 [] or [1]. @throws PixtapeError if it is missing or anything else */
export function count({ tensors, file }: Pick<Fixture, 'tensors' | 'file'>, name: string): number {
  const tensor = tensors.get(name);
  if (!tensor) throw new PixtapeError(`${file}: the tensor ${name} is missing`, HINT);
  const { dtype, data, shape } = tensor;
  if (dtype === 'I64' && data.length === 1 && shape.length < 2) return Number(data[0]);
  throw new PixtapeError(`${file}: ${name} is ${dtype} [${shape}], expected I64 with one value`, HINT);
}

/** A tensor's values. One value may be a scalar. @throws PixtapeError if it is missing, not F32, or of another shape */
function floats(
  { tensors, file }: Pick<Fixture, 'tensors' | 'file'>,
  name: string,
  shape: readonly number[],
): Float32Array {
  const tensor = tensors.get(name);
  if (!tensor) throw new PixtapeError(`${file}: the tensor ${name} is missing`, HINT);
  const scalar = shape.length === 1 && shape[0] === 1 && tensor.shape.length === 0;
  if (tensor.dtype === 'F32' && (scalar || tensor.shape.join() === shape.join())) return tensor.data;
  throw new PixtapeError(`${file}: ${name} is ${tensor.dtype} [${tensor.shape}], expected F32 [${shape}]`, HINT);
}

function readConfig(text: string | undefined, file: string): Pick<Fixture, 'config' | 'steps' | 'ranks'> {
  let given: unknown;
  try {
    given = JSON.parse(text ?? '');
  } catch (cause) {
    throw new PixtapeError(`${file}: its config is not JSON: ${(cause as Error).message}`, HINT, { cause });
  }
  if (typeof given !== 'object' || given === null) throw new PixtapeError(`${file}: its config is no object`, HINT);
  const fields = given as Record<string, unknown>;
  const field = (name: string, wanted: string, fits: (value: number) => boolean, fallback?: number): number => {
    const value = fields[name] ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value) && fits(value)) return value;
    throw new PixtapeError(`${file}: config.${name} is ${JSON.stringify(fields[name])}, expected ${wanted}`, HINT);
  };
  const whole = (name: string, fallback?: number) =>
    field(name, 'a whole number of at least 1', (v) => Number.isSafeInteger(v) && v >= 1, fallback);
  const decay = (name: string, fallback: number) => field(name, 'a number in [0, 1)', (v) => v >= 0 && v < 1, fallback);
  const choice = <T extends string>(name: string, known: readonly T[], fallback: T): T => {
    const value = fields[name] ?? fallback;
    if ((known as readonly unknown[]).includes(value)) return value as T;
    const wanted = known.map((text) => JSON.stringify(text)).join(' or ');
    throw new PixtapeError(`${file}: config.${name} is ${JSON.stringify(value)}, expected ${wanted}`, HINT);
  };
  const { reuseFake = false } = fields;
  if (typeof reuseFake !== 'boolean') {
    throw new PixtapeError(`${file}: config.reuseFake is ${JSON.stringify(reuseFake)}, expected true or false`, HINT);
  }
  const base = PRESETS.tutorial;
  const [width, height] = [whole('width'), whole('height')];
  const named = parseGeneratorName(fields.netG ?? TUTORIAL_NETWORKS.netG);
  if (!named) {
    const is = `${file}: config.netG is ${JSON.stringify(fields.netG)}`;
    throw new PixtapeError(`${is}, expected "tutorial" or "unet_32", "unet_64", …`, HINT);
  }
  const depth = whole('depth', named.depth);
  if (named.depth !== undefined && depth !== named.depth) {
    throw new PixtapeError(`${file}: config.depth is ${depth}, ${fields.netG} has ${named.depth}`, HINT);
  }
  field('dropout', '0 (a mask drawn by PyTorch cannot be drawn again here)', (v) => v === 0, 0);
  const lr = field('lr', 'a number above 0', (v) => v > 0);
  const config: TrainConfig = {
    ...base,
    netG: named.netG,
    netD: choice('netD', NETS_D, TUTORIAL_NETWORKS.netD),
    norm: choice('norm', NORMS, TUTORIAL_NETWORKS.norm),
    ganMode: choice('ganMode', ['vanilla', 'lsgan'], 'vanilla'),
    reuseFake,
    generator: {
      ...base.generator,
      inChannels: whole('inChannels', base.generator.inChannels),
      outChannels: whole('outChannels', base.generator.outChannels),
      hidden: whole('hidden'),
      depth,
      dropout: 0,
    },
    discHidden: whole('discHidden', base.discHidden),
    discLayers: whole('discLayers', base.discLayers),
    width,
    height,
    batch: whole('batch'),
    lambdaL1: field('lambda', 'a number of at least 0', (v) => v >= 0),
    lr,
    lrDisc: lr,
    beta1: decay('beta1', base.beta1),
    beta2: decay('beta2', base.beta2),
    // A fixture's learning rate never decays.
    epochs: Number.MAX_SAFE_INTEGER,
  };
  checkNetworks(config, width, height);
  return { config, steps: whole('steps'), ranks: whole('ranks', 1) };
}
