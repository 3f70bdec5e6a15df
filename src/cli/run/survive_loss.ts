import { PixtapeError } from '../../engine/util/errors.ts';
import { reading } from '../../pix2pix/train/checkpoint/checkpoint.ts';
import type { RunFolder } from './folder.ts';
import { wasInterrupted } from './interrupt.ts';

interface Flags {
  continue_train?: true | undefined;
  minutes?: number | undefined;
}

/**
 * Runs `session`, which opens a device and trains on it. Where the device is lost, the next one begins on a new device
 * from the last checkpoint, or from the beginning where there is none, and comes to the same bits as if nothing had
 * happened. It ends with the second loss that comes before any new checkpoint, and with the second lack of memory.
 * @param session gets the flags that it goes on with
 */
export async function surviveLoss<F extends Flags>(
  { latest, folder }: RunFolder,
  flags: F,
  session: (flags: F) => Promise<void>,
): Promise<void> {
  const start = performance.now();
  /** The steps that were saved at each loss. */
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

/** What another try can mend: not a model that is larger than the device's memory. */
function isAccident({ code, details }: PixtapeError): boolean {
  return code === 'device-lost' || (code === 'out-of-memory' && !('budget' in details) && !('limit' in details));
}

/** 0 where there is no checkpoint. */
async function savedStep(latest: string): Promise<number> {
  try {
    return await reading(latest, async ({ metadata }) => Number(metadata.step));
  } catch {
    return 0;
  }
}
