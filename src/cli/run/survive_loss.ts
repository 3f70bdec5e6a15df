import { PixtapeError } from '../../engine/util/errors.ts';
import { reading } from '../../pix2pix/train/checkpoint/checkpoint.ts';
import type { RunFolder } from './folder.ts';
import { wasInterrupted } from './interrupt.ts';

interface Flags {
  continue_train?: true | undefined;
  minutes?: number | undefined;
}

/**
 * Runs `session`, which opens a device and trains on it. If the device is lost, runs it again on a new device from the
 * last checkpoint, or from the start if there is none, with the same bits as if nothing had happened. Gives up on the
 * second loss without a new checkpoint between, and the second time that memory runs out.
 * @param session called with the flags to continue with
 */
export async function surviveLoss<F extends Flags>(
  { latest, folder }: RunFolder,
  flags: F,
  session: (flags: F) => Promise<void>,
): Promise<void> {
  const start = performance.now();
  /** The saved step at each loss. */
  const losses: number[] = [];
  let lacks = 0;
  for (let now = flags; ; ) {
    try {
      return await session(now);
    } catch (error) {
      if (!(error instanceof PixtapeError) || wasInterrupted() || !isAccident(error)) throw error;
      const saved = await savedStep(latest);
      const before = losses.at(-1) ?? -1;
      const again = error.code === 'out-of-memory' ? ++lacks === 1 : saved > before;
      if (!again) throw error;
      losses.push(saved);
      const [what] = error.message.split('\n');
      const from = saved > 0 ? `from step ${saved}, which ${folder} holds` : 'from the beginning';
      console.warn(`\nwarning: ${what}; going on ${from}, on a new device`);
      const minutes = flags.minutes && Math.max(flags.minutes - (performance.now() - start) / 60_000, 0.001);
      now = { ...flags, ...(minutes === undefined ? {} : { minutes }), ...(saved > 0 ? { continue_train: true } : {}) };
    }
  }
}

/** Whether another try can help. It cannot if the model is larger than the device's memory. */
function isAccident({ code, details }: PixtapeError): boolean {
  return code === 'device-lost' || (code === 'out-of-memory' && !('budget' in details) && !('limit' in details));
}

/** 0 if there is no checkpoint. */
async function savedStep(latest: string): Promise<number> {
  try {
    return await reading(latest, async ({ metadata }) => Number(metadata.step));
  } catch {
    return 0;
  }
}
