import tiled from '../../../../shaders/matmul/matmul.wgsl';
import lanes from '../../../../shaders/matmul/matmul_lanes.wgsl';
import interfaceSource from '../../../../shaders/matmul/matmul_params.wgsl';
import type { Device } from '../../gpu/device.ts';
import { mergedAxes } from '../../tape/broadcast.ts';
import { dispatch } from '../../tape/dispatch.ts';
import { repeated } from '../../tape/elementwise.ts';
import { type Shape, sizeOf, Tensor } from '../../tape/tensor.ts';
import { isProduct } from '../conv/algorithms/gemm/gemm.ts';
import { type ConvGeometry, pointwise } from '../conv/geometry.ts';
import { convKernels } from '../conv/tuning/choose.ts';
import { convTuning } from '../conv/tuning/tuning.ts';

/** A matrix, or one per place of a batch, (…, rows, columns); if `transposed`, its transpose is multiplied. */
export interface Factor {
  x: Tensor;
  transposed: boolean;
}

/** The rows and columns after transposition. */
export function sidesOf({ x: { shape }, transposed }: Factor): [rows: number, columns: number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

/** Axes of a batch that the kernels support. */
const MOST_BATCH_AXES = 3;
const MOST_GROUPS = 65535;
const tiledSource = `${tiled}\n${interfaceSource}`;
const lanesSource = `${lanes}\n${interfaceSource}`;

/** The side of the tile of matmul.wgsl, and the columns of a lane of matmul_lanes.wgsl. */
const TILE = 64;
const COLUMNS = 4;

/**
 * Records a · b into y, (…, m, depth) · (…, depth, n) → (…, m, n); the batch axes are broadcast to y's. Nothing on the
 * tape.
 */
export function product(a: Factor, b: Factor, y: Tensor): void {
  if (isConvolution(a, b, y)) convolution(a, b, y);
  else batched(a, b, y);
}

function isConvolution(a: Factor, b: Factor, y: Tensor): boolean {
  const { device } = y;
  const batch = matricesOf(y);
  const repeats = matricesOf(a.x) !== batch || matricesOf(b.x) !== batch;
  if (repeats || (a.transposed && b.transposed) || ![a.x, y].every(canBeWeight)) return false;
  // CPU drivers have a kernel for batches, and GPUs take groups as they take one product.
  return batch === 1 || (!usesLanes(device) && isProduct(device, geometry(a, b)));
}

const matricesOf = ({ shape }: Tensor) => sizeOf(shape.slice(0, -2));

/** Weights that exceed a binding go in slices, which are counted in floats. */
function canBeWeight({ dtype, size, device }: Tensor): boolean {
  return dtype === 'f32' || size * 4 <= device.bindingLimit;
}

/**
 * A product is a 1 × 1 convolution in one of its three directions, and a batch of products one with a group for each.
 * Convolutions are tuned for the device, and use its matrix unit.
 */
function convolution(a: Factor, b: Factor, y: Tensor): void {
  const g = geometry(a, b);
  const [m, depth] = sidesOf(a);
  const [, n] = sidesOf(b);
  const picture = (x: Tensor, channels: number, places: number) => {
    return new Tensor(x.device, [1, g.groups * channels, ...heightAndWidth(places)], x.storage);
  };
  const weight = (x: Tensor, out: number, into: number) => {
    return new Tensor(x.device, [g.groups * out, into, 1, 1], x.storage);
  };
  const kernels = convKernels(y.device, g);
  if (a.transposed) {
    kernels.inputGradient(g, picture(b.x, depth, n), weight(a.x, depth, m), undefined, picture(y, m, n));
  } else if (b.transposed) {
    kernels.weightGradient(g, picture(b.x, n, depth), picture(a.x, m, depth), weight(y, m, n));
  } else {
    kernels.forward(g, picture(b.x, depth, n), weight(a.x, m, depth), undefined, picture(y, m, n));
  }
}

/** The kernels for CPU drivers process patches of two rows. */
function heightAndWidth(places: number): [height: number, width: number] {
  return places % 2 === 0 ? [2, places / 2] : [1, places];
}

function geometry(a: Factor, b: Factor): ConvGeometry {
  const [m, depth] = sidesOf(a);
  const [, n] = sidesOf(b);
  const [inC, outC, places] = a.transposed ? [m, depth, n] : b.transposed ? [n, m, depth] : [depth, m, n];
  return pointwise(matricesOf(a.x), inC, outC, heightAndWidth(places));
}

function batched(a: Factor, b: Factor, y: Tensor): void {
  const { device } = y;
  const batchOf = (shape: Shape) => shape.slice(0, -2);
  const batch = batchOf(y.shape);
  // The strides of a batch count matrices. A repeated axis has stride 0.
  const axes = mergedAxes(batch, [batchOf(a.x.shape), batchOf(b.x.shape)]);
  if (axes.length > MOST_BATCH_AXES) {
    const full = ({ x, transposed }: Factor): Factor => {
      return { x: repeated(x, [...batch, ...x.shape.slice(-2)]), transposed };
    };
    batched(full(a), full(b), y);
    return;
  }
  const [m, depth] = sidesOf(a);
  const [, n] = sidesOf(b);
  const strides = ({ x, transposed }: Factor) => {
    const columns = x.shape.at(-1) as number;
    return transposed ? { row: 1, col: columns } : { row: columns, col: 1 };
  };
  const [ofA, ofB] = [strides(a), strides(b)];
  const params: Record<string, number> = { m, n, depth, batch: sizeOf(batch) };
  Object.assign(params, { a_row: ofA.row, a_col: ofA.col, b_row: ofB.row, b_col: ofB.col });
  const padded = [...Array<undefined>(MOST_BATCH_AXES - axes.length), ...axes];
  padded.forEach((axis, k) => {
    if (k > 0) params[`size_${k}`] = axis?.length ?? 1;
    params[`a_${k}`] = (axis?.strides[0] ?? 0) * m * depth;
    params[`b_${k}`] = (axis?.strides[1] ?? 0) * depth * n;
  });
  const { kernel, rows, columns } = kernelFor(device);
  const groups = [Math.ceil(n / columns), Math.ceil(m / rows), Math.min(sizeOf(batch), MOST_GROUPS)] as const;
  dispatch(kernel, { a: a.x, b: b.x, y }, params, groups);
}

/** Whether batches take the kernel for CPU drivers. A request for the GPU's convolutions selects the GPU's products, too. */
function usesLanes(device: Device): boolean {
  const { cpu, subgroupSize } = device.capabilities;
  return cpu && convTuning(device).algorithm !== 'gemm' && [4, 8, 16].includes(subgroupSize);
}

/** The kernel for this kind of device, and the tile that a workgroup computes. */
function kernelFor(device: Device) {
  const { cpu, subgroupSize } = device.capabilities;
  if (usesLanes(device)) {
    const kernel = device.kernel('matmul.lanes', lanesSource, 'main', { LANES: subgroupSize, COLS: COLUMNS });
    return { kernel, rows: subgroupSize, columns: COLUMNS * subgroupSize };
  }
  // A CPU driver takes minutes to compile unrolled loops.
  const text = cpu ? tiledSource.replace(/^\s*\/\/ unroll$/gm, '') : tiledSource;
  return { kernel: device.kernel('matmul', text, 'main', { EACH: 4 }), rows: TILE, columns: TILE };
}
