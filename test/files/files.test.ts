import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PixtapeError } from '../../src/engine/util/errors.ts';
import { encodeSafetensors, type NamedTensor } from '../../src/engine/util/safetensors.ts';
import {
  readSafetensors,
  removeStaleTemporaries,
  writeFileAtomic,
  writeSafetensorsAtomic,
} from '../../src/files/files.ts';

/** When set, writing fails with this code after `bytes` bytes, as on a full disk. */
const fault = vi.hoisted(() => ({ code: '', afterBytes: 0 }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const failing = async (...args: Parameters<typeof real.open>) => {
    const handle = await real.open(...args);
    let written = 0;
    const write = handle.write.bind(handle) as (
      b: Uint8Array,
      o: number,
      n: number,
    ) => Promise<{ bytesWritten: number }>;
    const limited = async (bytes: Uint8Array, offset: number, length: number) => {
      if (!fault.code) return write(bytes, offset, length);
      const room = fault.afterBytes - written;
      if (room <= 0) throw Object.assign(new Error(`${fault.code}: injected`), { code: fault.code });
      const result = await write(bytes, offset, Math.min(room, length));
      written += result.bytesWritten;
      return result;
    };
    return Object.assign(handle, { write: limited });
  };
  return { ...real, open: failing };
});

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'pixtape-files-'));
});
afterEach(async () => {
  fault.code = '';
  await fs.rm(folder, { recursive: true, force: true });
});

describe('writeFileAtomic', () => {
  it('writes text and chunks, replaces, makes the folder, and leaves nothing else behind', async () => {
    const path = join(folder, 'deep', 'report.html');
    await writeFileAtomic(path, 'first, and longer');
    await writeFileAtomic(path, [new Uint8Array([104, 195]), new Uint8Array(0), new Uint8Array([169])]);
    expect(await fs.readFile(path, 'utf8')).toBe('hé');
    expect(await fs.readdir(join(folder, 'deep'))).toEqual(['report.html']);
  });

  it('replaces the file behind a link, not the link', async () => {
    await fs.mkdir(join(folder, 'disk'));
    await fs.writeFile(join(folder, 'disk', 'big'), 'old');
    await fs.symlink(join(folder, 'disk', 'big'), join(folder, 'link'));
    await writeFileAtomic(join(folder, 'link'), 'new');
    expect(await fs.readFile(join(folder, 'disk', 'big'), 'utf8')).toBe('new');
    expect((await fs.lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true);
  });

  it('keeps the previous file when the disk fills up, and says what was needed', async () => {
    const path = join(folder, 'latest.safetensors');
    await writeFileAtomic(path, 'the last good checkpoint');
    Object.assign(fault, { code: 'ENOSPC', afterBytes: 1000 });
    const error = await writeFileAtomic(path, [new Uint8Array(700), new Uint8Array(1300)]).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(PixtapeError);
    expect(String(error)).toContain(path);
    expect(String(error)).toMatch(/disk is full \(ENOSPC\); 2\.0 KiB needed \(2000 bytes\)/);
    expect(String(error)).toContain('previous file of that name is intact');
    expect(await fs.readFile(path, 'utf8')).toBe('the last good checkpoint');
    expect(await fs.readdir(folder)).toEqual(['latest.safetensors']);
  });

  it('does not mention a previous file if there is none', async () => {
    Object.assign(fault, { code: 'EDQUOT', afterBytes: 0 });
    const error = await writeFileAtomic(join(folder, 'a'), 'x').catch((e: unknown) => e);
    expect(String(error)).toMatch(/quota/);
    expect(String(error)).not.toContain('intact');
    expect(await fs.readdir(folder)).toEqual([]);
  });

  it('says so if a folder has the file’s name', async () => {
    await fs.mkdir(join(folder, 'taken', 'inside'), { recursive: true });
    await expect(writeFileAtomic(join(folder, 'taken'), 'x')).rejects.toThrow(PixtapeError);
    expect(await fs.readdir(folder)).toEqual(['taken']);
    await fs.writeFile(join(folder, 'plain'), '');
    await expect(writeFileAtomic(join(folder, 'plain', 'x'), 'x')).rejects.toThrow(/plain.*could not be written/);
  });
});

describe('removeStaleTemporaries', () => {
  it('removes those of dead processes and very old ones, and nothing else', async () => {
    const host =
      hostname()
        .replace(/[^A-Za-z0-9]/g, '')
        .slice(0, 32) || 'host';
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const stale = `.latest.safetensors.${host}-${dead}-0123456789ab.tmp`;
    const old = '.latest.safetensors.elsewhere-1-0123456789ab.tmp';
    const kept = [
      `.latest.safetensors.${host}-${process.ppid}-0123456789ab.tmp`, // its writer still runs
      '.latest.safetensors.elsewhere-1-ba9876543210.tmp', // fresh, on another machine
      '.notes.tmp',
      'latest.safetensors',
    ];
    for (const name of [stale, old, ...kept]) await fs.writeFile(join(folder, name), '');
    const twoDaysAgo = new Date(Date.now() - 2 * 24 * 3600 * 1000);
    await fs.utimes(join(folder, old), twoDaysAgo, twoDaysAgo);
    await fs.utimes(join(folder, '.notes.tmp'), twoDaysAgo, twoDaysAgo);
    expect((await removeStaleTemporaries(folder)).sort()).toEqual([old, stale].sort());
    expect((await fs.readdir(folder)).sort()).toEqual(kept.sort());
    expect(await removeStaleTemporaries(join(folder, 'missing'))).toEqual([]);
  });

  it('finds what a killed writer left', async () => {
    const path = join(folder, 'c.safetensors');
    // The second chunk is read twice, for its size and to be written; then the process dies.
    const script = `
      import { writeFileAtomic } from './src/files/files.ts';
      const chunks = [new Uint8Array(5000), new Uint8Array(5000)];
      let looks = 0;
      Object.defineProperty(chunks, 1, {
        get: () => (++looks === 2 ? process.kill(process.pid, 'SIGKILL') : new Uint8Array(5000)),
      });
      await writeFileAtomic(process.argv[2], chunks);
    `;
    const bundle = join(folder, 'writer.mjs');
    const stdin = { contents: script, resolveDir: process.cwd() };
    buildSync({ stdin, bundle: true, platform: 'node', format: 'esm', outfile: bundle });
    await writeFileAtomic(path, 'good');
    spawnSync(process.execPath, [bundle, path]);
    const left = (await fs.readdir(folder)).filter((name) => name.endsWith('.tmp'));
    expect(left).toHaveLength(1);
    expect(await fs.readFile(path, 'utf8')).toBe('good');
    expect(await removeStaleTemporaries(folder)).toEqual(left);
  });
});

describe('readSafetensors', () => {
  const tensors = new Map<string, NamedTensor>([
    ['a', { dtype: 'F32', shape: [3], data: new Float32Array([1, 2, 3]) }],
    ['n', { dtype: 'I64', shape: [], data: new BigInt64Array([7n]) }],
    ['u', { dtype: 'U8', shape: [1, 3], data: new Uint8Array([1, 2, 3]) }],
  ]);

  it('reads tensor by tensor what was written', async () => {
    const path = join(folder, 'c.safetensors');
    await writeSafetensorsAtomic(path, encodeSafetensors(tensors, { step: '12' }));
    const file = await readSafetensors(path);
    expect(file.metadata).toEqual({ step: '12' });
    expect([...file.entries.keys()].sort()).toEqual(['a', 'n', 'u']);
    for (const [name, tensor] of tensors) expect(await file.read(name)).toEqual(tensor);
    await expect(file.read('b')).rejects.toThrow(/no tensor "b"/);
    await file.close();
  });

  it('names a file that is missing, a folder, or cut short', async () => {
    const path = join(folder, 'c.safetensors');
    await expect(readSafetensors(path)).rejects.toThrow(/no file .*c\.safetensors/);
    await expect(readSafetensors(folder)).rejects.toThrow(/is a folder/);
    await writeSafetensorsAtomic(path, encodeSafetensors(tensors, {}));
    const { size } = await fs.stat(path);
    for (const bytes of [size - 1, size - 20, 60, 4, 0]) {
      await fs.truncate(path, bytes);
      await expect(readSafetensors(path)).rejects.toThrow(new RegExp(`cut short: ${bytes} bytes of`));
    }
  });
});
