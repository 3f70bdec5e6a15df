import type { Device } from '../../src/engine/gpu/device.ts';
import { conv2d } from '../../src/engine/ops/conv/conv2d.ts';
import { mul } from '../../src/engine/ops/elementwise/arithmetic.ts';
import { sum } from '../../src/engine/ops/reduce/reduce.ts';
import { backward } from '../../src/engine/tape/autograd.ts';
import { type Recorded, record } from '../../src/engine/tape/record.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';
import { type ConvProblem, type LoadedConv, outSide, timed } from './peer.ts';

export type ConvPart = 'forward' | 'input gradient' | 'weight gradient';
export const CONV_PARTS: readonly ConvPart[] = ['forward', 'input gradient', 'weight gradient'];

/** A problem on our device. Each of its three kernels can also run alone. */
export interface OurConv extends LoadedConv {
  part(which: ConvPart, times: number): Promise<number>;
}

/** Puts a problem onto our device. */
export async function loadOurs(device: Device, { shape, ...values }: ConvProblem): Promise<OurConv> {
  const { batch, inC, outC, side, kernel, padding } = shape;
  const out = outSide(shape);
  const x = Tensor.from(device, [batch, inC, side, side], values.x, 'x');
  const w = Tensor.from(device, [outC, inC, kernel, kernel], values.w, 'w');
  const r = Tensor.from(device, [batch, outC, out, out], values.r, 'r');
  const leaves = [x, w, r];
  for (const leaf of [x, w]) leaf.requiresGrad = true;
  const programs: Recorded<unknown>[] = [];
  const program = async <T>(body: () => T): Promise<Recorded<T>> => {
    const recorded = await record(device, body);
    programs.push(recorded);
    return recorded;
  };

  const forward = await program(() => conv2d(x, w, undefined, { padding }));
  const both = await program(() => {
    const loss = sum(mul(conv2d(x, w, undefined, { padding }), r));
    backward(loss);
    return { loss, dx: x.grad as Tensor, dw: w.grad as Tensor };
  });
  // Records the backward of y alone, in its own program.
  const gradient = (needs: readonly boolean[]) => program(() => void forward.outputs.node?.backward(r, needs));
  const parts: Record<ConvPart, Recorded<unknown>> = {
    forward,
    'input gradient': await gradient([true, false]),
    'weight gradient': await gradient([false, true]),
  };
  const replayed = (recorded: Recorded<unknown>, times: number) =>
    timed(async () => {
      recorded.run(times);
      await device.check();
    });
  return {
    forward: (times) => replayed(forward, times),
    both: (times) =>
      timed(async () => {
        both.run(times);
        await both.outputs.loss.read();
      }),
    part: (which, times) => replayed(parts[which], times),
    async answer() {
      forward.run();
      both.run();
      const { dx, dw } = both.outputs;
      return { y: await forward.outputs.read(), dx: await dx.read(), dw: await dw.read() };
    },
    free() {
      for (const recorded of programs) recorded.destroy();
      for (const leaf of leaves) leaf.dispose();
    },
  };
}
