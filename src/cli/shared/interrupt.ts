import { discardTemporaries } from '../../files/files.ts';

/** What a shell reports for a command that Ctrl-C ended. */
const INTERRUPTED = 130;
/** Under npm one Ctrl-C arrives twice: from the terminal, and passed on by npm. So close together they are one. */
const SAME_PRESS_MS = 500;

/**
 * Until `stop` is called, Ctrl-C (or a request to terminate) is only noted, and `onFirst` says what comes now. The second
 * one ends the process at once, without leaving half-written files behind.
 */
export function watchInterrupt(onFirst: () => void): { asked: () => boolean; stop: () => void } {
  let first: number | undefined;
  const handler = () => {
    if (first === undefined) {
      first = performance.now();
      onFirst();
    } else if (performance.now() - first > SAME_PRESS_MS) {
      discardTemporaries();
      process.exit(INTERRUPTED);
    }
  };
  process.on('SIGINT', handler);
  process.on('SIGTERM', handler);
  return {
    asked: () => first !== undefined,
    stop: () => {
      process.off('SIGINT', handler);
      process.off('SIGTERM', handler);
    },
  };
}
