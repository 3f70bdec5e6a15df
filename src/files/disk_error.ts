import { stat, statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { PixtapeError } from '../engine/util/errors.ts';
import { formatBytes } from '../engine/util/format.ts';

/** The operating system's code of an error, such as ENOSPC. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

const ROOM = 'Make room on that disk, or choose a folder on another one.';
const ALLOWED = 'Check who owns the folder and may write to it, or choose another place.';

/** The meaning of each code, and what helps. */
const CAUSES: Readonly<Record<string, readonly [reason: string, hint: string]>> = {
  ENOSPC: ['the disk is full', ROOM],
  EDQUOT: ['the disk quota is used up', 'Delete what you no longer need, ask for more, or choose another disk.'],
  EFBIG: ['the file would be larger than this file system or a limit (`ulimit -f`) allows', ROOM],
  EROFS: ['the file system is read-only', 'Choose a folder on a disk that can be written to.'],
  EACCES: ['permission denied', ALLOWED],
  EPERM: ['the operation is not permitted', ALLOWED],
  EMFILE: ['this process has too many files open', 'Allow more with `ulimit -n 4096`, then run it again.'],
  ENFILE: ['the system has too many files open', 'Close other programs, then run it again.'],
  ENOENT: ['the file system takes no new file of that name there', 'Choose another place.'],
  ENOTDIR: ['it or a part of its path is a file, not a folder', 'Choose another place.'],
  EEXIST: ['there is a file of that name, not a folder', 'Choose another name.'],
  EISDIR: ['there is a folder of that name', 'Choose another name.'],
  EBUSY: ['another program holds it', 'Close what has it open, then run it again.'],
  EIO: ['the disk reported an error', 'Check the disk and its cable or network, or choose another one.'],
  ESTALE: ['the network folder was unmounted or replaced', 'Mount it again, or choose another place.'],
  ELOOP: ['links in the path lead in a circle', 'Choose another place.'],
};

/** An error of the operating system about a path. */
export class DiskError extends PixtapeError {
  /** The operating system's code, such as ENOSPC. */
  get errno(): string | undefined {
    return codeOf(this.cause);
  }
}

/** What was being done with a path. */
export interface DiskWork {
  doing?: 'written' | 'read' | 'removed';
  /** How many bytes were to be written, if known. */
  bytes?: number;
}

/** Turns an error of the operating system about `path` into one with advice. Returns other errors unchanged. */
export async function explainDiskError(
  error: unknown,
  path: string,
  { doing = 'written', bytes }: DiskWork = {},
): Promise<unknown> {
  const code = codeOf(error);
  // Node's own codes, ERR_…, mean a bug of ours.
  if (!code || !/^E[A-Z0-9]+$/.test(code) || error instanceof PixtapeError) return error;
  const [cause, hint] = code === 'ENAMETOOLONG' ? tooLong(path) : (CAUSES[code] ?? [(error as Error).message, ALLOWED]);
  const disk = code === 'ENOSPC' ? await statfs(dirname(path)).catch(() => undefined) : undefined;
  const reason = disk?.ffree === 0 && disk.bavail > 0 ? 'the disk takes no more files' : cause;
  const needed = disk && bytes !== undefined ? `; ${formatBytes(bytes)} needed (${bytes} bytes)` : '';
  const free = disk && needed ? `, ${formatBytes(disk.bavail * disk.bsize)} free` : '';
  const previous = bytes === undefined ? undefined : await stat(path).catch(() => undefined);
  const kept = previous?.isFile() ? '. The previous file of that name is intact' : '';
  return new DiskError(`${path} could not be ${doing}: ${reason} (${code})${needed}${free}${kept}`, hint, {
    code: 'disk',
    details: { path, errno: code },
    cause: error,
  });
}

/** As `explainDiskError`, for an error that names its own path, as Node's do. */
export function explainSystemError(error: unknown): Promise<unknown> {
  const { path, syscall = '' } = error as NodeJS.ErrnoException;
  if (path === undefined) return Promise.resolve(error);
  const reads = /^(l?stat|scandir|opendir|access|read|readlink|realpath|statfs)$/.test(syscall);
  return explainDiskError(error, path, { doing: reads ? 'read' : 'written' });
}

function tooLong(path: string): [string, string] {
  const bytes = Buffer.byteLength(basename(path));
  return [`the name is too long (${bytes} bytes, most file systems take 255)`, 'Choose a shorter name.'];
}
