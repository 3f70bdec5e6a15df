/** How much later than it could be an answer may come, as a share of what it took, and at most. */
const LATENESS = 1 / 8;
const LONGEST_MS = 2;

/**
 * Has Dawn ask less often whether the device is done. Its binding for Node asks at every turn of the event loop for as long
 * as anything is awaited, and so keeps a core busy: one that a driver which computes or compiles on the CPU wants. It does
 * so through globalThis.setImmediate; its callbacks, functions without a name in native code, come after a pause from here
 * on, at first none, then ever longer. Everybody else's setImmediate stays as it is. Not for real GPUs, whose steps are
 * short and whose work leaves the cores alone.
 */
export function pollSeldom(): void {
  const original = globalThis.setImmediate;
  let asking = false;
  let waitingSince = 0;
  function setImmediate(callback: (...args: unknown[]) => void, ...args: unknown[]) {
    if (!isDawns(callback)) return original(callback, ...args);
    // It asks for the next turn from within one for as long as it waits; from elsewhere a new wait begins.
    if (!asking) waitingSince = performance.now();
    const pause = Math.min(LONGEST_MS, (performance.now() - waitingSince) * LATENESS);
    const ask = () => {
      asking = true;
      try {
        callback(...args);
      } finally {
        asking = false;
      }
    };
    return pause < 1 ? original(ask) : setTimeout(ask, pause);
  }
  globalThis.setImmediate = Object.assign(setImmediate, original) as unknown as typeof globalThis.setImmediate;
}

function isDawns(callback: { name: string }): boolean {
  return callback.name === '' && /\[native code\]/.test(Function.prototype.toString.call(callback));
}
