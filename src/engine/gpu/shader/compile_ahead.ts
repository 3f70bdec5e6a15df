import type { Kernel } from './kernel.ts';
import { NoWork } from './no_work.ts';

/** A kernel that the driver finds in its cache runs over nothing in less. */
const COLD_MS = 30;

/**
 * For drivers that compile a kernel when it first runs, and only one at a time: Mesa's lavapipe, where that takes up to
 * seconds each. Has every kernel run once over nothing. Where the first ones take long, other devices of the same driver
 * take their share, and hand it over through the driver's cache on disk: so that all cores compile.
 *
 * @param own the device that the kernels are for
 * @param helpers other devices of the driver; without any, or where it keeps no cache, `own` does all by itself
 * @param onCompiled hears of each finished kernel
 */
export async function compileAhead(
  kernels: readonly Kernel[],
  own: GPUDevice,
  helpers: readonly GPUDevice[],
  onCompiled?: (done: number, total: number) => void,
): Promise<void> {
  let done = 0;
  const finished = (kernel: Kernel) => {
    kernel.hasRun = true;
    onCompiled?.(++done, kernels.length);
  };
  const pipelines = new Map(kernels.map((kernel) => [kernel, kernel.compile(own)]));
  const all = Promise.all(pipelines.values());
  // Told of by whoever waits for that kernel below; here only so that a second one is no unhandled rejection.
  all.catch(() => {});

  // The longest text first, which usually compiles longest: else one core would be busy with it long after the others.
  const left = kernels.filter((kernel) => !kernel.hasRun).sort((a, b) => b.code.length - a.code.length);
  for (const kernel of kernels) if (kernel.hasRun) finished(kernel);
  const handedOver: Kernel[] = [];
  const help = async (helper: GPUDevice): Promise<void> => {
    const work = new NoWork(helper);
    for (let kernel = left.shift(); kernel; kernel = left.shift()) {
      try {
        await work.run(kernel, await kernel.build(helper));
        handedOver.push(kernel);
        finished(kernel);
      } catch {
        // Whatever it is, the device itself meets it too, and has somebody to tell.
        left.push(kernel);
        break;
      }
    }
    work.destroy();
  };

  const work = new NoWork(own);
  let helping: Promise<unknown> | undefined;
  do {
    for (let kernel = left.shift(); kernel; kernel = left.shift()) {
      const pipeline = (await pipelines.get(kernel)) as GPUComputePipeline;
      const running = work.run(kernel, pipeline);
      if (!helping && !(await endsWithin(running, COLD_MS))) helping = Promise.all(helpers.map(help));
      await running;
      finished(kernel);
    }
    await helping;
  } while (left.length > 0);
  // From the cache into the device: not in the first step.
  await Promise.all(handedOver.map(async (kernel) => work.run(kernel, await kernel.compile(own))));
  await all;
  work.destroy();
}

function endsWithin(work: Promise<void>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    work.then(() => {
      clearTimeout(timer);
      resolve(true);
    }, reject);
  });
}
