import { isatty } from 'node:tty';
import { isDevice, replaceByNull } from '../../files/lock/process.ts';

const STANDARD = [0, 1, 2];

/** Error codes of failed writes, such as ENOSPC, by the stream's name. */
const lost = new Map<string, string>();

/**
 * Keeps working if its output is lost: the reader of a pipe went away (`pixtape train | head`), the terminal was
 * closed, or the log's disk is full.
 */
export function surviveLostOutput(): void {
  for (const [name, stream] of [
    ['standard output', process.stdout],
    ['standard error', process.stderr],
  ] as const) {
    stream.on('error', (error: NodeJS.ErrnoException) => lost.set(name, error.code ?? error.message));
  }
  process.on('exit', replaceClosedTerminals);
  // Writing beyond `ulimit -f` fails with EFBIG instead of ending the process.
  if (process.platform !== 'win32') process.on('SIGXFSZ', () => undefined);
}

/** Node aborts on exit if the terminal that it started with is gone, because it cannot restore its modes. */
function replaceClosedTerminals(): void {
  if (process.platform === 'win32') return;
  for (const fd of STANDARD) if (!isatty(fd) && isDevice(fd)) replaceByNull(fd);
}

/** Why output was lost; undefined if it was not, or if its reader stopped reading. */
export function lostOutput(): string | undefined {
  const said = [...lost].filter(([, code]) => code !== 'EPIPE' && code !== 'EIO');
  return said.length === 0 ? undefined : said.map(([name, code]) => `${name} (${code})`).join(' and ');
}
