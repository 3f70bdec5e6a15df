import type { Kernel } from './kernel.ts';
import { NoWork } from './no_work.ts';

/** A kernel from the driver's cache takes less than this. */
const COLD_MS = 30;

/**
 * Compiles kernels on all cores, for drivers that compile a kernel when it first runs, one at a time. Mesa's lavapipe
 * is one, and takes up to seconds for each. Dispatches every kernel once over zero workgroups. If the first ones take
 * long, other devices of the same driver compile a share and pass it on through the driver's cache on disk.
 *
 * @param own the device that the kernels are for
 * @param helpers other devices of the driver. Without any, or if the driver keeps no cache, `own` compiles all kernels
 * @param onCompiled called after each compiled kernel
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
  // The wait for that kernel below reports it. This only keeps a second error from being an unhandled rejection.
  all.catch(() => {});

  // Longest text first: it usually takes longest to compile, and one core would still be busy with it at the end.
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
        // The device itself meets the same error and reports it.
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
  // Load them from the cache into the device now, and not in the first step.
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
