import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { cacheDirectory, usualCacheDirectory } from '../../src/files/cache.ts';
import { smallDisks } from './mount.ts';

const folder = mkdtempSync(join(tmpdir(), 'pixtape-cache-'));
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the usual cache folder', () => {
  it('follows each system', () => {
    expect(usualCacheDirectory('linux', { XDG_CACHE_HOME: '/x' })).toBe('/x/pixtape');
    expect(usualCacheDirectory('linux', {}, '/home/a')).toBe('/home/a/.cache/pixtape');
    expect(usualCacheDirectory('darwin', {}, '/Users/a')).toBe('/Users/a/Library/Caches/pixtape');
    expect(usualCacheDirectory('win32', { LOCALAPPDATA: 'C:\\L' }, 'C:\\U')).toBe('C:\\L\\pixtape');
    expect(usualCacheDirectory('win32', {}, 'C:\\Users\\a')).toBe('C:\\Users\\a\\AppData\\Local\\pixtape');
  });

  it('ignores a relative XDG_CACHE_HOME, which would depend on the working directory', () => {
    expect(usualCacheDirectory('linux', { XDG_CACHE_HOME: 'x' }, '/home/a')).toBe('/home/a/.cache/pixtape');
  });
});

describe('the cache folder', () => {
  /**
   * A cache folder that cannot be made, because a file has its place. A new one for each test, because answers are
   * cached.
   */
  let count = 0;
  function blocked(): { XDG_CACHE_HOME: string } {
    const file = join(folder, `file-${count++}`);
    writeFileSync(file, '');
    return { XDG_CACHE_HOME: file };
  }
  /** An empty temporary folder. */
  function emptyTemporary(): string {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    for (const name of ['TMPDIR', 'TEMP', 'TMP']) vi.stubEnv(name, temporary);
    return temporary;
  }

  it('is made', () => {
    const env = { XDG_CACHE_HOME: join(folder, 'new') };
    expect(cacheDirectory(env)).toBe(join(folder, 'new', 'pixtape'));
    expect(statSync(join(folder, 'new', 'pixtape')).isDirectory()).toBe(true);
  });

  it('is one in the temporary folder if it cannot be made, which is said once', () => {
    const temporary = emptyTemporary();
    const env = blocked();
    const said: string[] = [];
    const found = cacheDirectory(env, (line) => said.push(line));
    expect(found.startsWith(join(temporary, 'pixtape-'))).toBe(true);
    expect(statSync(found).isDirectory()).toBe(true);
    expect(cacheDirectory(env, (line) => said.push(line))).toBe(found);
    expect(said).toEqual([expect.stringMatching(/cannot be written \((ENOTDIR|EEXIST|ENOENT)\): .*pixtape-/)]);
    // Another process of the same user finds the folder that this one has made.
    expect(cacheDirectory(blocked(), () => {})).toBe(found);
  });

  it('is never one into which another user could have written', ({ skip }) => {
    skip(!process.getuid, 'this system has no user numbers');
    const temporary = emptyTemporary();
    const name = join(temporary, `pixtape-${process.getuid?.()}`);
    mkdirSync(name);
    chmodSync(name, 0o777);
    const open = cacheDirectory(blocked(), () => {});
    expect(open).not.toBe(name);
    expect(statSync(open).mode & 0o077).toBe(0);
    rmSync(name, { recursive: true });
    symlinkSync(folder, name);
    expect(cacheDirectory(blocked(), () => {})).not.toBe(name);
  });

  it('avoids a home that cannot be written to, as in many containers', ({ skip }) => {
    skip(process.platform !== 'linux', 'only Linux has /proc and /sys');
    emptyTemporary();
    for (const home of ['/proc', '/sys']) {
      expect(cacheDirectory({ XDG_CACHE_HOME: home }, () => {})).toMatch(/pixtape-/);
    }
  });

  describe('on a small disk', () => {
    const disks = smallDisks();

    it('avoids one that is full', () => {
      const disk = disks.mount('size=4k');
      emptyTemporary();
      writeFileSync(join(disk, 'filler'), new Uint8Array(4096));
      expect(cacheDirectory({ XDG_CACHE_HOME: disk }, () => {})).toMatch(/pixtape-/);
    });
  });
});
