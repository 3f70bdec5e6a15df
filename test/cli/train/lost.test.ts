import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { readSafetensors } from '../../../src/files/files.ts';
import { temporaryFolders } from '../../pix2pix/train/tiny.ts';
import { build, linesOf, pixtape, TINY, writePairs } from '../command.ts';

/** Loses the device while the command runs, as a driver does that was reset. */
const LOSE = `
  import { existsSync, readFileSync } from 'node:fs';
  import { globals } from '${pathToFileURL(resolve('node_modules/webgpu/index.js')).href}';
  const { requestDevice } = globals.GPUAdapter.prototype;
  let [times, lines] = process.env.LOSE.split(' ').map(Number);
  const devices = [];
  globals.GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    devices.push(device);
    return device;
  };
  // All devices of an adapter go together.
  setInterval(() => {
    const log = process.env.LOSE_LOG;
    const now = existsSync(log) ? readFileSync(log, 'utf8').split('\\n').length - 1 : 0;
    if (now < lines || times < 1 || devices.length === 0) return;
    times--;
    for (const device of devices.splice(0)) device.destroy();
  }, 1).unref();
`;

const folder = temporaryFolders();
const command = resolve('dist', 'pixtape.js');
let home: string;
beforeAll(() => {
  build();
  home = folder();
  writePairs(join(home, 'pairs'), 8);
  writeFileSync(join(home, 'lose.mjs'), LOSE);
});

const train = (name: string, ...more: string[]) => [
  ...['train', '--dataroot', 'pairs', '--name', name, ...TINY, '--save_latest_freq', '3', '--steps', '12'],
  ...more,
];
const log = (name: string) => join(home, 'runs', name, 'log.jsonl');

/** Runs a command that loses its device this many times, first when the log has this many lines. */
async function losing(times: number, lines: number, name: string, args: string[]) {
  const env = {
    ...process.env,
    NODE_OPTIONS: `--import ${pathToFileURL(join(home, 'lose.mjs')).href}`,
    LOSE: `${times} ${lines}`,
    LOSE_LOG: log(name),
  };
  const child = spawn(process.execPath, [command, ...args], { cwd: home, env, stdio: 'pipe' });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (said.stdout += text));
  child.stderr.on('data', (text) => (said.stderr += text));
  const code = await new Promise<number | null>((done) => child.on('close', done));
  return { code, ...said };
}

/** Every tensor of a run's checkpoint, and every loss. */
async function outcome(name: string) {
  const file = await readSafetensors(join(home, 'runs', name, 'latest.safetensors'));
  const tensors = new Map<string, unknown>();
  for (const tensor of file.entries.keys()) tensors.set(tensor, await file.read(tensor));
  await file.close();
  const losses = linesOf(log(name)).map((line) => {
    const { seconds, imagesPerSecond, ...rest } = JSON.parse(line);
    return rest;
  });
  return { tensors, losses };
}

it('continues by itself on a new device, with the same bits', { tags: 'long', timeout: 400_000 }, async () => {
  expect((await pixtape(train('straight'), home)).code).toBe(0);
  const expected = await outcome('straight');
  for (const [name, lines] of [
    ['begun', 0],
    ['trained', 5],
  ] as const) {
    const { code, stdout, stderr } = await losing(1, lines, name, train(name));
    const from = lines === 0 ? 'from the beginning' : `from step 3, which runs.${name} holds`;
    expect(stderr).toMatch(new RegExp(`warning: the GPU device was lost: .*; going on ${from}, on a new device`));
    expect(stdout).toContain('done after step 12');
    expect(code).toBe(0);
    expect(await outcome(name)).toEqual(expected);
  }
});

it('says how to continue if it is lost again before any progress', { tags: 'long', timeout: 400_000 }, async () => {
  const { code, stderr } = await losing(1000, 0, 'never', train('never'));
  expect(code).toBe(1);
  expect(stderr).toMatch(/pixtape: the GPU device was lost: .*\n.*\n.*--continue_train/);
  expect(stderr).not.toMatch(/^ {4}at /m);
});

it('ends with a message if it is lost three times in a row, keeps its last state, and continues from it', {
  tags: 'long',
  timeout: 400_000,
}, async () => {
  expect((await pixtape(train('whole'), home)).code).toBe(0);
  const { code, stderr } = await losing(3, 5, 'thrice', train('thrice'));
  expect(code).toBe(1);
  expect(stderr.match(/going on from step 3/g)).toHaveLength(1);
  expect(stderr).toMatch(/pixtape: the GPU device was lost: .*\n.*\n.*--continue_train/);
  expect((await readSafetensors(join(home, 'runs', 'thrice', 'latest.safetensors'))).metadata.step).toBe('3');
  expect((await pixtape(['train', '--continue_train', '--name', 'thrice', '--steps', '12'], home)).code).toBe(0);
  expect(await outcome('thrice')).toEqual(await outcome('whole'));
});

it('says so if another command loses its device', { tags: 'long', timeout: 400_000 }, async () => {
  expect((await pixtape(train('model'), home)).code).toBe(0);
  const { code, stderr } = await losing(1, 0, 'model', ['translate', 'model', 'pairs', 'out', '--side', 'left']);
  expect(stderr).toMatch(/pixtape: the GPU device was lost: .*\n.*\n.*run the command again/);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect(code).toBe(1);
});
