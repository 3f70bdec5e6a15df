/**
 * A peer computes a convolution and its gradients on the same device as all others. It keeps its data in the layout that
 * suits it best and times itself, so that no conversion and no pipe is counted.
 */
export interface ConvShape {
  batch: number;
  inC: number;
  outC: number;
  /** Side of the square input. */
  side: number;
  kernel: number;
  /** Zeros around the picture. The layers here have outputs as large as the input, or `kernel - 1` smaller. */
  padding: number;
}

/** A shape with its values: x (N, C, H, W), w (O, C, k, k) and the weights r of the output in loss = Σ y · r. */
export interface ConvProblem {
  shape: ConvShape;
  x: Float32Array;
  w: Float32Array;
  r: Float32Array;
}

/** The results that all engines must agree on, in NCHW and OIHW. */
export interface ConvAnswer {
  y: Float32Array;
  dx: Float32Array;
  dw: Float32Array;
}

/** A problem on the device. Both methods wait for the device and return the milliseconds of `times` runs. */
export interface LoadedConv {
  forward(times: number): Promise<number>;
  /** Forward and both gradients of the loss; the loss is read back. */
  both(times: number): Promise<number>;
  answer(): Promise<ConvAnswer>;
  free(): void;
}

export interface Peer {
  name: string;
  /** The version, and whatever else affects its speed. */
  version: string;
  load(problem: ConvProblem): Promise<LoadedConv>;
  close(): void;
}

export const outSide = ({ side, kernel, padding }: ConvShape): number => side + 2 * padding - kernel + 1;

/** Counts a multiply-add as two operations, and taps on the padding for every engine. */
export function convFlops(s: ConvShape): number {
  return 2 * s.batch * s.inC * s.outC * s.kernel ** 2 * outSide(s) ** 2;
}

/** Bytes that a convolution has to move at least: x, w and y, each once. */
export function convBytes(s: ConvShape): number {
  const { batch, inC, outC, side, kernel } = s;
  return 4 * (batch * inC * side ** 2 + inC * outC * kernel ** 2 + batch * outC * outSide(s) ** 2);
}

/** "4×64→64 @64", and the kernel if it is not 3×3. */
export function shapeName({ batch, inC, outC, side, kernel }: ConvShape): string {
  return `${batch}×${inC}→${outC} @${side}${kernel === 3 ? '' : ` (${kernel}×${kernel})`}`;
}

/** Collects errors of a device, which WebGPU reports only through events. The returned function throws the first one. */
export function watch(device: GPUDevice): () => void {
  let broken: string | undefined;
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    broken ??= event.error.message;
  });
  void device.lost.then(({ reason, message }) => {
    if (reason !== 'destroyed') broken ??= `device lost: ${message}`;
  });
  return () => {
    if (broken !== undefined) throw new Error(broken);
  };
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The dimensions of a row-major array in another order: axis i of the result is axis `axes[i]` of the source. */
export function reordered(data: Float32Array, shape: readonly number[], axes: readonly number[]): Float32Array {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const sides = axes.map((axis) => shape[axis] as number);
  const steps = axes.map((axis) => strides[axis] as number);
  const result = new Float32Array(data.length);
  const [a, b, c, d] = sides as [number, number, number, number];
  const [sa, sb, sc, sd] = steps as [number, number, number, number];
  let at = 0;
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      for (let k = 0; k < c; k++) {
        for (let l = 0; l < d; l++) result[at++] = data[i * sa + j * sb + k * sc + l * sd] as number;
      }
    }
  }
  return result;
}
