import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { PixtapeError } from '../engine/util/errors.ts';
import {
  type NamedTensor,
  parseSafetensorsHeader,
  type SafetensorsHeader,
  safetensorsHeaderLength,
  tensorFromBytes,
} from '../engine/util/safetensors.ts';
import { codeOf, explainDiskError } from './disk_error.ts';
import { listFolder, makeFolder, removeFile } from './folder.ts';
import { pidExists } from './lock/process.ts';
import { openToRead, PIECE, readAt } from './read_at.ts';

/** Temporary files that this process is writing now, by name, so that a concurrent clean-up leaves them alone. */
const writing = new Map<string, string>();

/** Names are `.NAME.HOST-PID-RANDOM.tmp`: they tell the writer, even after it was killed. */
const host =
  hostname()
    .replace(/[^A-Za-z0-9]/g, '')
    .slice(0, 32) || 'host';
const TEMPORARY = /^\..+\.([A-Za-z0-9]+)-(\d+)-[0-9a-f]{12}\.tmp$/;
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/**
 * Replaces a file atomically: writes a temporary file in the same folder, syncs it to the disk, and renames it. After a
 * crash or a power cut the file has either the old content or the new. Creates the folder if missing. Writes directly
 * into a pipe or a device, such as /dev/stdout.
 * @throws PixtapeError if the disk is full or the place cannot be written to; the temporary file is removed first
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | readonly Uint8Array[],
): Promise<void> {
  const chunks =
    typeof content === 'string' ? [Buffer.from(content)] : content instanceof Uint8Array ? [content] : content;
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  try {
    await makeFolder(dirname(path));
    if (await isStream(path)) return await writeThrough(path, chunks);
    // If the path is a link, perhaps to another disk, replace the file behind it.
    const target = await realpath(path).catch(() => path);
    const folder = dirname(target);
    const name = temporaryName(basename(target));
    const temporary = join(folder, name);
    writing.set(name, temporary);
    try {
      await writeDurably(temporary, chunks);
      await renameOver(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined); // report the first error, not this one
      throw error;
    } finally {
      writing.delete(name);
    }
    await syncFolder(folder);
  } catch (error) {
    throw await explainDiskError(error, path, { bytes });
  }
}

/** Copies a file as `writeFileAtomic` writes one. @throws PixtapeError as it does, and if the source cannot be read */
export async function copyFileAtomic(from: string, to: string): Promise<void> {
  const file = await openToRead(from);
  try {
    const { size } = await file.stat();
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < size; at += PIECE) pieces.push(await readAt(file, at, Math.min(PIECE, size - at), from));
    await writeFileAtomic(to, pieces);
  } finally {
    await file.close();
  }
}

async function isStream(path: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  return info !== undefined && !info.isFile() && !info.isDirectory();
}

/**
 * The name of a temporary file for a file of this name, which `removeStaleTemporaries` recognises. Cuts a long name, so
 * that the result fits into a file system's 255 bytes.
 */
export function temporaryName(of: string): string {
  let kept = of;
  while (Buffer.byteLength(kept) > 150) kept = [...kept].slice(0, -1).join('');
  return `.${kept}.${host}-${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
}

async function writeDurably(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await writeChunks(handle, chunks);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeThrough(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const handle = await open(path, 'w');
  try {
    await writeChunks(handle, chunks);
  } finally {
    await handle.close();
  }
}

async function writeChunks(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; ) {
      const { bytesWritten } = await handle.write(chunk, at, Math.min(PIECE, chunk.byteLength - at));
      at += bytesWritten;
    }
  }
}

/** Windows refuses to replace a file that a viewer or virus scanner holds open for a moment: try for two seconds. */
async function renameOver(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(from, to);
    } catch (error) {
      const held = process.platform === 'win32' && ['EPERM', 'EACCES', 'EBUSY'].includes(codeOf(error) ?? '');
      if (!held || attempt === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Makes the rename durable. Windows has no such call, and some network file systems refuse it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM'].includes(codeOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** Removes the temporary files being written now, for a handler that ends the process before they are complete. */
export function discardTemporaries(): void {
  for (const path of writing.values()) rmSync(path, { force: true });
}

/**
 * Removes temporary files that killed runs left in `folder`: those of processes on this machine that no longer run, and
 * those of any machine that are older than a day. Returns the removed names; none if the folder is missing.
 */
export async function removeStaleTemporaries(folder: string): Promise<string[]> {
  const removed: string[] = [];
  for (const name of (await listFolder(folder)) ?? []) {
    const match = TEMPORARY.exec(name);
    if (!match || writing.has(name)) continue;
    const path = join(folder, name);
    const info = await stat(path).catch(() => undefined);
    if (!info?.isFile()) continue;
    const abandoned = Date.now() - info.mtimeMs > ABANDONED_AFTER_MS;
    const ours = match[1] === host;
    if (!abandoned && !(ours && !runsElsewhere(Number(match[2])))) continue;
    await removeFile(path);
    removed.push(name);
  }
  return removed;
}

/** A file with our own process number comes from an earlier process: what this one writes is in `writing`. */
const runsElsewhere = (pid: number): boolean => pid !== process.pid && pidExists(pid);

/** Writes the pieces of `encodeSafetensors` atomically: see `writeFileAtomic`. */
export async function writeSafetensorsAtomic(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  await writeFileAtomic(path, chunks);
}

/** An open safetensors file with a checked header. Reads one tensor at a time. Close it when done. */
export interface SafetensorsFile extends SafetensorsHeader {
  path: string;
  /** Reads one tensor. @throws PixtapeError if there is none of that name */
  read(name: string): Promise<NamedTensor>;
  close(): Promise<void>;
}

/**
 * Opens a safetensors file of any size, and reads only its header.
 * @throws PixtapeError if the file is missing, truncated, or not a consistent safetensors file
 */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await openToRead(path);
  try {
    const { size } = await handle.stat();
    const length = safetensorsHeaderLength(await readAt(handle, 0, Math.min(8, size), path), size, path);
    const header = parseSafetensorsHeader(await readAt(handle, 8, length, path), size, path);
    return {
      ...header,
      path,
      read: async (name) => {
        const entry = header.entries.get(name);
        if (!entry)
          throw new PixtapeError(`${path} holds no tensor "${name}".`, 'Is it a checkpoint of another model?');
        return tensorFromBytes(entry, await readAt(handle, entry.start, entry.end - entry.start, path));
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
