/** @module-tag long */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { readCheckpointHeader } from '../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { temporaryFolders } from '../pix2pix/train/tiny.ts';
import { build, linesOf, start, TINY, until, writePairs } from './command.ts';

/** Runs whose terminal, pipe or log file goes away. */
const folder = temporaryFolders();
const command = resolve(import.meta.dirname, '..', '..', 'dist', 'pixtape.js');
let home: string;
beforeAll(() => {
  build();
  home = folder();
  writePairs(join(home, 'pairs'), 8);
});

const train = (name: string, ...more: string[]) => [
  ...['train', '--dataroot', 'pairs', '--name', name, ...TINY, '--save_latest_freq', '100000'],
  ...more,
];
const log = (name: string) => linesOf(join(home, 'runs', name, 'log.jsonl'));
const trains = (name: string) => until(() => log(name).length >= 3);
const savedStep = async (name: string) =>
  (await readCheckpointHeader(join(home, 'runs', name, 'latest.safetensors'))).step;
const has = (program: string) => spawnSync(program, ['--version']).status === 0;

it('saves when the terminal closes, however many signals it gets', { timeout: 240_000 }, async ({ skip }) => {
  skip(process.platform === 'win32', 'Windows has no SIGHUP');
  const { child, done } = start(train('closed', '--steps', '1000000'), home);
  await trains('closed');
  child.kill('SIGHUP');
  // A shell and the system both send the signal, at different times.
  const again = setInterval(() => child.kill('SIGHUP'), 300);
  const { code } = await done;
  clearInterval(again);
  expect(code).toBe(0);
  expect(await savedStep('closed')).toBe(log('closed').length);
});

it('continues under nohup', { timeout: 240_000 }, async ({ skip }) => {
  skip(process.platform !== 'linux', 'what nohup does is known for Linux');
  // How GNU's nohup replaces a terminal.
  const stdin = openSync('/dev/null', 'w');
  const child = spawn(process.execPath, [command, ...train('nohup', '--steps', '300')], {
    cwd: home,
    stdio: [stdin, 'ignore', 'ignore'],
  });
  const code = new Promise((done) => child.on('close', done));
  await trains('nohup');
  child.kill('SIGHUP');
  expect(await code).toBe(0);
  expect(await savedStep('nohup')).toBe(300);
});

it('keeps training if its log file is on a full disk, and says so elsewhere', {
  timeout: 240_000,
}, async ({ skip }) => {
  skip(!existsSync('/dev/full'), 'there is no /dev/full');
  const run = (args: string[], stderr: 'pipe' | 'full') => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr: said } = spawnSync(process.execPath, [command, ...args], {
      cwd: home,
      stdio: ['ignore', full, stderr === 'full' ? full : 'pipe'],
      encoding: 'utf8',
    });
    return { status, said };
  };
  const { status, said } = run(train('full', '--steps', '20'), 'pipe');
  expect(status).toBe(0);
  expect(said).toContain('warning: standard output (ENOSPC) could not be written');
  expect(await savedStep('full')).toBe(20);
  expect(run(train('fuller', '--steps', '20'), 'full').status).toBe(0);
  expect(await savedStep('fuller')).toBe(20);
  // Only printing has failed.
  expect(run(['doctor'], 'pipe').status).toBe(1);
});

it('keeps training if the reader of its pipe is gone', { timeout: 240_000 }, async () => {
  const { child, done } = start(train('piped', '--steps', '60'), home);
  await trains('piped');
  child.stdout?.destroy();
  child.stderr?.destroy();
  expect((await done).code).toBe(0);
  expect(await savedStep('piped')).toBe(60);
});

it('keeps training if its terminal disappears without a signal', {
  timeout: 240_000,
}, async ({ skip }) => {
  skip(!has('script') || !has('setsid'), 'there is no script(1) or setsid(1)');
  const inner = [process.execPath, command, ...train('gone', '--steps', '400')].map((word) => `'${word}'`).join(' ');
  // A session of its own gets no SIGHUP, only EIO. Its parent waits, so that the terminal stays until then.
  const terminal = spawn('script', ['-qec', `setsid --wait sh -c "${inner}; echo \\$? > code"`, '/dev/null'], {
    cwd: home,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await trains('gone');
  terminal.kill('SIGKILL');
  await until(() => linesOf(join(home, 'code')).length > 0);
  expect(readFileSync(join(home, 'code'), 'utf8').trim()).toBe('0');
  expect(await savedStep('gone')).toBe(400);
  expect(readFileSync(join(home, 'runs', 'gone', 'report.html'), 'utf8')).toContain('all steps done');
});
