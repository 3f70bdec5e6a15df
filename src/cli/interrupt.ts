import { discardTemporaries } from '../util/files.ts';

/** What a shell reports for a command that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * Until `stop` is called, Ctrl-C (or a request to terminate) is only noted, and `onFirst` says what comes now. The second
 * one ends the process at once, without leaving half-written files behind.
 */
export function watchInterrupt(onFirst: () => void): { asked: () => boolean; stop: () => void } {
  let count = 0;
  const handler = () => {
    count++;
    if (count === 1) onFirst();
    else endAtOnce();
  };
  process.on('SIGINT', handler);
  process.on('SIGTERM', handler);
  return {
    asked: () => count > 0,
    stop: () => {
      process.off('SIGINT', handler);
      process.off('SIGTERM', handler);
    },
  };
}

function endAtOnce(): never {
  discardTemporaries();
  process.exit(INTERRUPTED);
}
