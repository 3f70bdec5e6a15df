import type { Device } from '../../../src/engine/gpu/device.ts';
import { RandomStream } from '../../../src/engine/util/random.ts';
import type { NamedTensor } from '../../../src/engine/util/safetensors.ts';
import { captureState } from '../../../src/pix2pix/train/checkpoint/state.ts';
import { PRESETS } from '../../../src/pix2pix/train/config/config.ts';
import { Pix2Pix } from '../../../src/pix2pix/train/steps/pix2pix.ts';

/** The result of ten steps, to be compared between hosts. */
export interface TenSteps {
  adapter: string;
  capabilities: Device['capabilities'];
  /** The bits of each step's losses: disc, gen, adv, l1. */
  losses: number[][];
  /** SHA-256 of the whole state after the last step. */
  state: string;
  /** SHA-256 of each kernel's text as the driver gets it, by label. */
  shaders: Record<string, string>;
}

/** Trains a small model of the tutorial's kind, dropout and shared norms included, ten steps on drawn data. */
export async function tenSteps(device: Device): Promise<TenSteps> {
  const config = {
    ...PRESETS.tutorial,
    generator: { ...PRESETS.tutorial.generator, hidden: 4, depth: 3 },
    discHidden: 4,
    width: 32,
    height: 32,
    batch: 2,
    lr: 1e-3,
    lrDisc: 1e-3,
    init: 'paper',
    seed: 11,
  } as const;
  const model = new Pix2Pix(device, config);
  const { program } = await model.prepare();
  const random = new RandomStream(5);
  const draw = () => Float32Array.from({ length: 2 * 3 * 32 * 32 }, () => random.uniform());
  for (let step = 0; step < 10; step++) model.train({ real: draw(), condition: draw() }, 0);
  const losses = await model.lossesSince(0);
  const shaders = program.kernels.map(async ({ label, entry, code }) => {
    return [`${label} ${entry} ${code.length}`, await hash([new TextEncoder().encode(code)])] as const;
  });
  return {
    adapter: device.description,
    capabilities: device.capabilities,
    losses: losses.map(({ disc, gen, adv, l1 }) => [disc, gen, adv, l1]),
    state: await hashState(await captureState(model)),
    shaders: Object.fromEntries((await Promise.all(shaders)).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** SHA-256 of a state's values, in the order of their names. */
export function hashState(state: ReadonlyMap<string, NamedTensor>): Promise<string> {
  const sorted = [...state].sort(([a], [b]) => (a < b ? -1 : 1));
  return hash(sorted.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
}

async function hash(pieces: readonly Uint8Array[]): Promise<string> {
  const whole = await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', whole));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
