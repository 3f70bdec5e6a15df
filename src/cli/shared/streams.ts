import { isatty } from 'node:tty';
import { isDevice, replaceByNull } from '../../files/process.ts';

const STANDARD = [0, 1, 2];

/** What the system said when something printed could not be: ENOSPC and so on, by the stream's name. */
const lost = new Map<string, string>();

/**
 * Work goes on where what it prints has nowhere to go: the reader of a pipe went away (`pixtape train | head`), the
 * terminal was closed, the log's disk is full.
 */
export function surviveLostOutput(): void {
  for (const [name, stream] of [
    ['standard output', process.stdout],
    ['standard error', process.stderr],
  ] as const) {
    stream.on('error', (error: NodeJS.ErrnoException) => lost.set(name, error.code ?? error.message));
  }
  process.on('exit', replaceClosedTerminals);
  // A file that grows beyond `ulimit -f` is an error of its writer, EFBIG, rather than the end of the process.
  if (process.platform !== 'win32') process.on('SIGXFSZ', () => undefined);
}

/** Node aborts at its end when a terminal that it began with is gone: it cannot set its modes back. */
function replaceClosedTerminals(): void {
  if (process.platform === 'win32') return;
  for (const fd of STANDARD) if (!isatty(fd) && isDevice(fd)) replaceByNull(fd);
}

/** Why what was printed did not get through; undefined where it did, or where whoever read it wanted no more. */
export function lostOutput(): string | undefined {
  const said = [...lost].filter(([, code]) => code !== 'EPIPE' && code !== 'EIO');
  return said.length === 0 ? undefined : said.map(([name, code]) => `${name} (${code})`).join(' and ');
}
