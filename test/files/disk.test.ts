import { existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppendedFile } from '../../src/files/append.ts';
import { DiskError, explainDiskError } from '../../src/files/disk_error.ts';
import { writeFileAtomic } from '../../src/files/files.ts';
import { listFolder, makeFolder, removeFolder } from '../../src/files/folder.ts';
import { FolderLock } from '../../src/files/lock/lock.ts';
import { smallDisks } from './mount.ts';

let folder: string;
beforeEach(async () => {
  folder = await fs.mkdtemp(join(tmpdir(), 'pixtape-disk-'));
});
afterEach(() => fs.rm(folder, { recursive: true, force: true }));

const errorOf = async (work: Promise<unknown>): Promise<DiskError> => {
  const error = await work.then(
    () => expect.fail('nothing went wrong'),
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(DiskError);
  return error as DiskError;
};

const CODES: [string, RegExp][] = [
  ['ENOSPC', /the disk is full \(ENOSPC\)/],
  ['EDQUOT', /the disk quota is used up \(EDQUOT\)/],
  ['EROFS', /the file system is read-only \(EROFS\)/],
  ['EACCES', /permission denied \(EACCES\)/],
  ['EMFILE', /this process has too many files open \(EMFILE\)\n {2}→ .*ulimit -n/],
  ['ENAMETOOLONG', /the name is too long \(300 bytes, .*\) \(ENAMETOOLONG\)/],
  ['EIO', /the disk reported an error \(EIO\)/],
  ['EUNHEARDOF', /something new \(EUNHEARDOF\)/],
];
it.each(CODES)('says in a sentence what %s means, and names the file', async (code, sentence) => {
  const path = join(folder, 'x'.repeat(300));
  const system = Object.assign(new Error('something new'), { code });
  const error = (await explainDiskError(system, path)) as DiskError;
  expect(error.message).toMatch(sentence);
  expect(error.message.startsWith(`${path} could not be written: `)).toBe(true);
  expect(error).toMatchObject({ code: 'disk', details: { path, errno: code }, cause: system });
  expect(error.message.split('\n')).toHaveLength(2);
});

it('does not reword our own mistakes', async () => {
  const ours = Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' });
  expect(await explainDiskError(ours, folder)).toBe(ours);
  expect(await explainDiskError(new TypeError('x'), folder)).toBeInstanceOf(TypeError);
});

it('names a file in place of a folder, and a name that is too long', async () => {
  await fs.writeFile(join(folder, 'file'), '');
  expect((await errorOf(makeFolder(join(folder, 'file')))).message).toMatch(
    /file could not be written: there is a file/,
  );
  expect((await errorOf(makeFolder(join(folder, 'file', 'x')))).message).toMatch(
    /file could not be .*: there is a file/,
  );
  expect((await errorOf(listFolder(join(folder, 'file')))).message).toMatch(/could not be read: .* is a file/);
  const long = join(folder, 'n'.repeat(300));
  expect((await errorOf(makeFolder(long))).errno).toBe('ENAMETOOLONG');
  expect((await errorOf(AppendedFile.open(long))).errno).toBe('ENAMETOOLONG');
  // As long as the system allows, in letters of several bytes, although the temporary has a longer name.
  const longest = join(folder, `${'ä'.repeat(125)}.png`);
  await writeFileAtomic(longest, 'x');
  expect(await fs.readFile(longest, 'utf8')).toBe('x');
});

it('writes into a device and keeps it one', async ({ skip }) => {
  skip(!existsSync('/dev/full'), 'there is no /dev/full');
  await writeFileAtomic('/dev/null', 'x');
  expect((await errorOf(writeFileAtomic('/dev/full', 'x'))).message).toMatch(/^\/dev\/full .*the disk is full/);
  expect((await fs.stat('/dev/full')).isCharacterDevice()).toBe(true);
});

it('does not rely on ENOENT where nothing can be created', async ({ skip }) => {
  skip(!existsSync('/proc/self'), 'there is no /proc');
  const error = await errorOf(makeFolder('/proc/pixtape/a/b'));
  expect(error.message).toMatch(/^\/proc\/pixtape\/a\/b could not be written: the file system takes no new file/);
});

describe('on a small disk', () => {
  const disks = smallDisks();

  it('says that it is read-only, which mkdir hides', async () => {
    const disk = disks.mount('ro');
    for (const path of ['a', join('a', 'b', 'c')]) {
      expect((await errorOf(makeFolder(join(disk, path)))).errno).toBe('EROFS');
      expect((await errorOf(writeFileAtomic(join(disk, path), 'x'))).errno).toBe('EROFS');
    }
    expect((await errorOf(FolderLock.take(join(disk, 'run'), { command: 'x', hint: '' }))).errno).toBe('EROFS');
  });

  it('says that it is full, of bytes or of files, and keeps what was there', async () => {
    const disk = disks.mount('size=16k,nr_inodes=5');
    await writeFileAtomic(join(disk, 'good'), 'good');
    const full = await errorOf(writeFileAtomic(join(disk, 'good'), new Uint8Array(50_000)));
    expect(full.message).toMatch(/the disk is full \(ENOSPC\); 48\.8 KiB needed .* free\. The previous file .* intact/);
    expect(await fs.readFile(join(disk, 'good'), 'utf8')).toBe('good');
    await makeFolder(join(disk, 'a', 'b'));
    await fs.writeFile(join(disk, 'last'), '');
    expect((await errorOf(makeFolder(join(disk, 'c')))).message).toMatch(/takes no more files \(ENOSPC\)/);
    expect((await errorOf(writeFileAtomic(join(disk, 'd'), ''))).message).toMatch(/takes no more files \(ENOSPC\)/);
    expect((await fs.readdir(disk)).sort()).toEqual(['a', 'good', 'last']);
  });

  it('removes a line again that was written only in part', async () => {
    const disk = disks.mount('size=8k');
    const file = await AppendedFile.open(join(disk, 'log'));
    const line = `${'x'.repeat(2999)}\n`;
    await file.append(line);
    await file.append(line);
    expect((await errorOf(file.append(line))).errno).toBe('ENOSPC');
    file.close();
    expect(await fs.readFile(join(disk, 'log'), 'utf8')).toBe(line + line);
    await removeFolder(join(disk, 'not there'));
  });
});
