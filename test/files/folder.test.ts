import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeFolder } from '../../src/files/folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'pixtape-folder-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('makeFolder', () => {
  it('makes all missing folders, and returns the topmost', async () => {
    expect(await makeFolder(join(folder, 'a', 'b', 'c'))).toBe(join(folder, 'a'));
    expect(statSync(join(folder, 'a', 'b', 'c')).isDirectory()).toBe(true);
    expect(await makeFolder(join(folder, 'a', 'b'))).toBeUndefined();
  });

  it('refuses a file of that name, also on the way', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(makeFolder(join(folder, 'file'))).rejects.toThrow(/not a folder/);
    await expect(makeFolder(join(folder, 'file', 'x'))).rejects.toThrow(/not a folder/);
  });

  it('returns from a place where nothing can be created, which Node itself does not', async ({ skip }) => {
    skip(process.platform !== 'linux', 'only Linux has /proc and /sys');
    await expect(makeFolder('/proc/pixtape/x')).rejects.toThrow(/could not be written: .*ENOENT/);
    await expect(makeFolder('/sys/pixtape/x')).rejects.toThrow(/could not be written: /);
  });
});
