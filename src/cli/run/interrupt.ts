import { fstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { discardTemporaries } from '../../files/files.ts';

/** The exit status that a shell reports after Ctrl-C. */
const INTERRUPTED = 130;
/** Under npm one Ctrl-C arrives twice: from the terminal and from npm. Two this close together count as one. */
const SAME_PRESS_MS = 500;
/** SIGHUP: the terminal was closed, or the connection to it was lost. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Until `stop` is called, the first Ctrl-C (or SIGTERM, or a closing terminal) only calls `onFirst`. The second one
 * ends the process at once, without leaving half-written files behind. A closing terminal never counts as the second:
 * it is not a request to lose the checkpoint.
 * @param more signals that do the same
 */
export function watchInterrupt(
  onFirst: () => void,
  more: readonly NodeJS.Signals[] = [],
): { asked: () => boolean; stop: () => void } {
  const signals = [...SIGNALS, ...more];
  let first: number | undefined;
  const handler = (signal: NodeJS.Signals) => {
    if (signal === 'SIGHUP') {
      if (hangupsIgnored) return;
      // After `stop` another hangup may come while the process ends, and would kill it.
      ignoreHangups();
    }
    if (first === undefined) {
      first = performance.now();
      interrupted = true;
      onFirst();
    } else if (signal !== 'SIGHUP' && performance.now() - first > SAME_PRESS_MS) {
      discardTemporaries();
      process.exit(INTERRUPTED);
    }
  };
  for (const signal of signals) process.on(signal, handler);
  return {
    asked: () => first !== undefined,
    stop: () => {
      for (const signal of signals) process.off(signal, handler);
    },
  };
}

let interrupted = false;

/** Whether anybody has asked this process to end, in whatever part of its work. */
export const wasInterrupted = (): boolean => interrupted;

let hangupsIgnored = false;

/**
 * Ignores SIGHUP from now on if the command was started with nohup: Node resets the signal at startup.
 */
export function heedNohup(): void {
  if (underNohup()) ignoreHangups();
}

function ignoreHangups(): void {
  hangupsIgnored = true;
  process.on('SIGHUP', () => undefined);
}

/** Recognises nohup by its redirections: GNU's makes stdin write-only, and all of them write to a file nohup.out. */
function underNohup(): boolean {
  try {
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(readFileSync('/proc/self/fdinfo/0', 'utf8'))?.[1] ?? '0', 8);
    if (readlinkSync('/proc/self/fd/0') === '/dev/null' && (flags & 3) === 1) return true;
  } catch {
    // No /proc: not Linux.
  }
  return ['nohup.out', join(homedir(), 'nohup.out')].some((path) => {
    const file = statSync(path, { throwIfNoEntry: false });
    return file !== undefined && [1, 2].some((fd) => isSame(fd, file));
  });
}

function isSame(fd: number, { dev, ino }: { dev: number; ino: number }): boolean {
  try {
    const open = fstatSync(fd);
    return open.dev === dev && open.ino === ino;
  } catch {
    return false; // closed
  }
}
