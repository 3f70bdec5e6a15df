import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { PixtapeError } from '../engine/util/errors.ts';
import { codeOf } from './disk_error.ts';

/** Size of a single read or write. Node refuses 2 GiB and more. */
export const PIECE = 256 * 1024 * 1024;

/** Opens a file. @throws PixtapeError if it is missing, a folder, or unreadable */
export async function openToRead(path: string): Promise<FileHandle> {
  try {
    if ((await stat(path)).isDirectory()) throw new PixtapeError(`${path} is a folder; expected a file.`);
    return await open(path, 'r');
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new PixtapeError(`There is no file ${path}.`, 'Check the path.');
    if (code === 'EACCES' || code === 'EPERM') throw new PixtapeError(`${path} may not be read: permission denied.`);
    throw error;
  }
}

/** The first `length` bytes of a file, or all of a shorter one. */
export function readHead(path: string, length: number): Uint8Array {
  const head = new Uint8Array(length);
  const file = openSync(path, 'r');
  try {
    return head.subarray(0, readSync(file, head));
  } finally {
    closeSync(file);
  }
}

/** Opens a file. @throws the system's own error */
export function openForReading(path: string): Promise<FileHandle> {
  return open(path, 'r');
}

/** Reads exactly `length` bytes from a position in a file. @throws PixtapeError if it has become shorter */
export async function readAt(handle: FileHandle, position: number, length: number, path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await handle.read(bytes, at, Math.min(PIECE, length - at), position + at);
    if (bytesRead === 0) throw new PixtapeError(`${path} became shorter while it was being read.`);
    at += bytesRead;
  }
  return bytes;
}
