/** @module-tag long */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCheckpointHeader } from '../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { smallDisks } from '../files/mount.ts';
import { temporaryFolders } from '../pix2pix/train/tiny.ts';
import { build, pixtape, TINY, writePairs } from './command.ts';

/**
 * Every command that writes, where nothing can be written: one sentence names the file and the cause, without a stack
 * trace.
 */
const folder = temporaryFolders();
let home: string;
beforeAll(async () => {
  build();
  home = folder();
  writePairs(join(home, 'pairs'), 8);
  expect((await pixtape([...train('model'), '--steps', '2'], home)).code).toBe(0);
}, 120_000);

const train = (name: string) => ['train', '--dataroot', 'pairs', '--name', name, ...TINY];
const runs = (disk: string) => ['--checkpoints_dir', disk];

/** What each writes into a folder, and the file that its error names. */
const WRITERS: [string, (disk: string) => string[], RegExp][] = [
  ['train', (disk) => [...train('new'), '--steps', '2', ...runs(disk)], /new could not be written/],
  ['gan', (disk) => ['gan', 'pairs', '--preset', 'quick', '--name', 'new', ...runs(disk)], /new could not be written/],
  ['translate', (disk) => ['translate', 'model', 'pairs', join(disk, 'out')], /out could not be written/],
  ['translate of one', (disk) => ['translate', 'model', 'pairs/pair1.png', join(disk, 'p.png')], /p\.png could not be/],
  ['data split', (disk) => ['data', 'split', 'pairs', join(disk, 'out')], /out could not be written/],
  ['export', (disk) => ['export', 'model', join(disk, 'g.safetensors')], /g\.safetensors could not be written/],
  ['export --onnx', (disk) => ['export', 'model', join(disk, 'g.onnx'), '--onnx'], /g\.onnx could not be written/],
  ['eval --json', (disk) => ['eval', 'model', '--json', join(disk, 'e.json')], /e\.json could not be written/],
];

function expectSentence({ code, stderr }: { code: number | null; stderr: string }, file: RegExp, cause: RegExp): void {
  expect(stderr).toMatch(file);
  expect(stderr).toMatch(cause);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect(code).toBe(1);
}

describe('on a disk', () => {
  const disks = smallDisks();

  it.each(WRITERS)('that is read-only: %s', { timeout: 120_000 }, async (_, command, file) => {
    const disk = disks.mount('ro');
    expectSentence(await pixtape(command(disk), home), file, /the file system is read-only \(EROFS\)/);
  });

  it.each(WRITERS)('that is full: %s', { timeout: 120_000 }, async (_, command) => {
    const disk = disks.mount('size=4k');
    writeFileSync(join(disk, 'filler'), new Uint8Array(4096));
    expectSentence(await pixtape(command(disk), home), /could not be written/, /the disk is full \(ENOSPC\)/);
    const names = readdirSync(disk, { recursive: true }).map(String);
    expect(names.filter((name) => /\.tmp$|unfinished|lock/.test(name))).toEqual([]);
  });

  it('that fills up at any moment: the last saved state continues elsewhere', { timeout: 400_000 }, async () => {
    for (const size of [300, 340, 380, 440, 520, 600]) {
      const disk = disks.mount(`size=${size}k`);
      const args = [...train('run'), '--steps', '400', '--save_latest_freq', '2', '--display_freq', '1'];
      const { code, stderr } = await pixtape([...args, ...runs(disk)], home);
      expect(stderr).toMatch(/could not be written: the disk is full \(ENOSPC\)/);
      expect(stderr).not.toMatch(/^ {4}at /m);
      expect(code).toBe(1);
      expect(readdirSync(disk, { recursive: true }).filter((name) => /tmp$|lock/.test(String(name)))).toEqual([]);
      const latest = join(disk, 'run', 'latest.safetensors');
      const saved = await readCheckpointHeader(latest).then(
        ({ step }) => step,
        () => undefined, // the disk is full before the first one
      );
      if (saved === undefined) continue;
      cpSync(join(disk, 'run'), join(home, 'runs', `from-${size}`), { recursive: true });
      const on = ['--continue_train', '--name', `from-${size}`, '--steps', String(saved + 2)];
      expect((await pixtape(['train', ...on], home)).stderr).not.toContain('pixtape:');
    }
  });

  it('that became read-only before a run is continued', async () => {
    const disk = disks.mount('size=4m');
    expect((await pixtape([...train('run'), '--steps', '2', ...runs(disk)], home)).code).toBe(0);
    disks.remount(disk, 'ro');
    const on = await pixtape(['train', '--continue_train', '--name', 'run', '--steps', '4', ...runs(disk)], home);
    expectSentence(on, /run.*could not be written/, /read-only \(EROFS\)/);
  });
});

it('names a folder that it may not write into', { timeout: 240_000 }, ({ skip }) => {
  skip(process.platform === 'win32', 'Windows has no such permissions');
  const root = process.getuid?.() === 0;
  const closed = join(home, 'closed');
  mkdirSync(closed, { mode: 0o555 });
  for (const path of [home, join(home, 'runs'), join(home, 'runs', 'model')]) chmodSync(path, 0o755);
  const program = resolve(import.meta.dirname, '..', '..', 'dist', 'pixtape.js');
  for (const [, command, file] of WRITERS) {
    const { status, stderr } = spawnSync(process.execPath, [program, ...command(closed)], {
      cwd: home,
      encoding: 'utf8',
      env: { ...process.env, HOME: '/nonexistent' },
      ...(root ? { uid: 65534, gid: 65534 } : {}),
    });
    expectSentence({ code: status, stderr }, file, /permission denied \(EACCES\)/);
  }
});
