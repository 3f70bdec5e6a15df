import type { Device } from '../../../engine/gpu/device.ts';
import type { Dtype } from '../../../engine/gpu/storage.ts';
import type { ConvChoice, ConvDirection } from '../../../engine/ops/conv/algorithm.ts';
import type { ConvGeometry } from '../../../engine/ops/conv/geometry.ts';
import { record } from '../../../engine/tape/record.ts';
import { Tensor } from '../../../engine/tape/tensor.ts';
import { fromHalf, toHalf } from '../../../engine/util/half.ts';
import { RandomStream } from '../../../engine/util/random.ts';
import type { Trial } from './benchmark.ts';

/** Least duration of runs that are timed together; otherwise clock and submit would dominate. */
const LEAST_SAMPLE_MS = 3;
const MOST_AT_ONCE = 64;
/** Number of random values that are repeated to fill the inputs; prime, so that rows differ. */
const NOISE = 65_521;

/** One convolution in one direction with random inputs, for trying every choice. */
export class ConvBenchmark {
  private readonly device: Device;
  private readonly direction: ConvDirection;
  private readonly g: ConvGeometry;
  private readonly x: Tensor;
  private readonly w: Tensor;
  private readonly y: Tensor;
  private readonly bias: Tensor;

  constructor(device: Device, direction: ConvDirection, g: ConvGeometry) {
    this.device = device;
    this.direction = direction;
    this.g = g;
    const stored = g.halves ? 'f16' : 'f32';
    this.x = this.tensor([g.batch, g.inC, g.inH, g.inW], 'x', 1, stored);
    this.w = this.tensor([g.outC, g.inC / g.groups, g.kernelH, g.kernelW], 'w', 2);
    this.y = this.tensor([g.batch, g.outC, g.outH, g.outW], 'y', 3, stored);
    this.bias = this.tensor([g.outC], 'bias', 4);
  }

  /** Records and compiles the kernels of a choice. */
  async open({ kernels }: ConvChoice): Promise<Trial> {
    const { device, direction, g, x, w, y, bias } = this;
    const body = () => {
      if (direction === 'forward') kernels.forward(g, x, w, bias, y, 0.2);
      else if (direction === 'inputGradient') kernels.inputGradient(g, y, w, undefined, x);
      else kernels.weightGradient(g, x, y, w);
    };
    const recorded = await record(device, body, { precision: g.halves ? 'f16' : 'f32' });
    const result = { forward: y, inputGradient: x, weightGradient: w }[direction];
    // A kernel that omits values must not find another kernel's.
    result.write(new Float32Array(result.size).fill(Number.NaN));
    let runs = 0;
    let fastest = 0;
    const run = async (times: number): Promise<number> => {
      const start = performance.now();
      recorded.run(times);
      await device.check();
      const ms = (performance.now() - start) / times;
      // Ignore the first run, in which drivers finish compiling.
      if (runs++ > 0) fastest = fastest === 0 ? ms : Math.min(fastest, ms);
      return ms;
    };
    return {
      run: () => run(fastest === 0 ? 1 : Math.min(MOST_AT_ONCE, Math.ceil(LEAST_SAMPLE_MS / fastest))),
      result: () => result.read(),
      destroy: () => recorded.destroy(),
    };
  }

  destroy(): void {
    for (const tensor of [this.x, this.w, this.y, this.bias]) tensor.dispose();
  }

  /** Where halves may be multiplied, all values are halves: choices that round them compute the same as those that do not. */
  private tensor(shape: readonly number[], label: string, stream: number, dtype: Dtype = 'f32'): Tensor {
    const tensor = Tensor.zeros(this.device, shape, label, dtype);
    const random = new RandomStream(stream);
    const drawn = Float32Array.from({ length: Math.min(NOISE, tensor.size) }, () => 2 * random.uniform() - 1);
    const noise = this.g.halves ? fromHalf(toHalf(drawn)) : drawn;
    const values = new Float32Array(tensor.size);
    for (let at = 0; at < values.length; at += NOISE) {
      values.set(noise.subarray(0, Math.min(NOISE, values.length - at)), at);
    }
    tensor.write(values);
    return tensor;
  }
}
