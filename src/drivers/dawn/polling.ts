/** How late an answer may be, as a share of the time it took, and at most. */
const LATENESS = 1 / 8;
const LONGEST_MS = 2;

/**
 * Makes Dawn poll the device less often. While anything is awaited, its Node binding polls on every turn of the event
 * loop, and keeps a core busy that a CPU driver needs for computing or compiling. It polls through
 * globalThis.setImmediate. This replaces that function: Dawn's callbacks, which are nameless native functions, are
 * delayed by a growing pause. All other callbacks are passed on unchanged. Not used for real GPUs, whose steps are
 * short and leave the cores free.
 */
export function pollSeldom(): void {
  const original = globalThis.setImmediate;
  let asking = false;
  let waitingSince = 0;
  function setImmediate(callback: (...args: unknown[]) => void, ...args: unknown[]) {
    if (!isDawns(callback)) return original(callback, ...args);
    // While it waits, Dawn asks for the next turn from within a callback. A call from elsewhere begins a new wait.
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
