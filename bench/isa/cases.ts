import type { Device } from '../../src/engine/gpu/device.ts';
import { dryRunDevice } from '../../src/engine/gpu/dry_run.ts';
import type { Program } from '../../src/engine/gpu/program.ts';
import type { Kernel } from '../../src/engine/gpu/shader/kernel.ts';
import type { MatrixUnit } from '../../src/engine/gpu/shader/matrix_unit.ts';
import type { ConvDirection } from '../../src/engine/ops/conv/algorithm.ts';
import { type ConvGeometry, positions } from '../../src/engine/ops/conv/geometry.ts';
import { convKernels } from '../../src/engine/ops/conv/tuning/choose.ts';
import { convCandidates } from '../../src/engine/ops/conv/tuning/registry.ts';
import { convTuning } from '../../src/engine/ops/conv/tuning/tuning.ts';
import { record } from '../../src/engine/tape/record.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';
import type { TrainConfig } from '../../src/pix2pix/train/config/config.ts';
import { Pix2Pix } from '../../src/pix2pix/train/steps/pix2pix.ts';
import type { ConvShape } from '../peers/peer.ts';

/** A kernel of a program as recorded for a GPU. */
export interface KernelUse {
  kernel: Kernel;
  dispatches: number;
  /** Summed over all its dispatches; bytes count every binding once per dispatch. */
  workgroups: number;
  bytes: number;
}

/** The kernels of one convolution in one direction, in execution order. */
export interface LayerUse {
  direction: ConvDirection;
  choice: string;
  uses: KernelUse[];
}

const ONES = { strideH: 1, strideW: 1, dilationH: 1, dilationW: 1, groups: 1 };

export const DIRECTIONS: readonly ConvDirection[] = ['forward', 'inputGradient', 'weightGradient'];

/** Opens a dry-run device that counts as a GPU with this matrix unit, whatever the real one is. */
async function gpuDryRun(like: Device, matrixUnit?: MatrixUnit): Promise<Device> {
  const device = await dryRunDevice(like);
  Object.assign(device.capabilities, { cpu: false, subgroupSize: 0, matrixUnit });
  return device;
}

/** The distinct kernels of a training step, by number of dispatches. */
export async function stepKernels(like: Device, config: TrainConfig): Promise<KernelUse[]> {
  const model = new Pix2Pix(await gpuDryRun(like), config, { initialise: false });
  return usesOf((await model.prepare()).program).sort((a, b) => b.dispatches - a.dispatches);
}

/**
 * The kernels of one layer in each direction, with the choice that a GPU takes without a measurement, or the one that
 * `pick` selects by name.
 */
export async function layerKernels(
  like: Device,
  shape: ConvShape,
  pick: (names: readonly string[]) => string = () => 'auto',
  matrixUnit?: MatrixUnit,
): Promise<LayerUse[]> {
  const { batch, inC, outC, side, kernel, padding } = shape;
  const out = positions(side, kernel, 1, padding, 1);
  const sides = { inH: side, inW: side, outH: out, outW: out, kernelH: kernel, kernelW: kernel };
  const g: ConvGeometry = { batch, inC, outC, ...sides, ...ONES, padH: padding, padW: padding };
  const precision = matrixUnit ? 'f16' : 'f32';
  if (matrixUnit) g.halves = true;
  const layers: LayerUse[] = [];
  for (const direction of DIRECTIONS) {
    const device = await gpuDryRun(like, matrixUnit);
    convTuning(device).algorithm = pick(convCandidates(device, direction, g).map(({ name }) => name));
    const x = Tensor.zeros(device, [batch, inC, side, side], 'x', precision);
    const w = Tensor.zeros(device, [outC, inC, kernel, kernel]);
    const y = Tensor.zeros(device, [batch, outC, out, out], 'y', precision);
    const body = () => {
      const kernels = convKernels(device, g);
      if (direction === 'forward') kernels.forward(g, x, w, undefined, y);
      else if (direction === 'inputGradient') kernels.inputGradient(g, y, w, undefined, x);
      else kernels.weightGradient(g, x, y, w);
    };
    const { program } = await record(device, body, { precision });
    const [taken] = [...convTuning(device).taken.values()];
    layers.push({ direction, choice: taken?.choice ?? '', uses: usesOf(program) });
  }
  return layers;
}

function usesOf(program: Program): KernelUse[] {
  const uses = new Map<Kernel, KernelUse>();
  for (const { kernel, groups, slices } of program.listing) {
    const use = uses.get(kernel) ?? { kernel, dispatches: 0, workgroups: 0, bytes: 0 };
    uses.set(kernel, use);
    use.dispatches++;
    use.workgroups += groups[0] * groups[1] * groups[2];
    const bound = new Map(slices.flatMap((s) => (s === 'params' ? [] : [[s.storage, s.size] as const])));
    for (const size of bound.values()) use.bytes += size;
  }
  return [...uses.values()];
}
