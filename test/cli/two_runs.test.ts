import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { temporaryFolders } from '../pix2pix/train/tiny.ts';
import { build, linesOf, pixtape, type Running, start, TINY, until, writePairs, writePng } from './command.ts';

/** Two commands for the same folder. */
const folder = temporaryFolders();
let home: string;
beforeAll(() => {
  build();
  home = folder();
  writePairs(join(home, 'pairs'), 8);
});

const running: Running[] = [];
afterEach(async () => {
  for (const { child, done } of running.splice(0)) {
    child.kill('SIGKILL');
    await done;
  }
});

const ENDLESS = [...TINY, '--steps', '1000000'];
const train = (...more: string[]) => ['train', '--dataroot', 'pairs', ...ENDLESS, ...more];
const begin = (args: string[]): Running => {
  const one = start(args, home);
  running.push(one);
  return one;
};
/** Waits until a run has trained for a while. */
const trains = (name: string) => until(() => linesOf(join(home, 'runs', name, 'log.jsonl')).length >= 3);

it('refuses the name of a run in progress, and does not disturb it', { tags: 'long', timeout: 240_000 }, async () => {
  const first = begin(train('--name', 'both'));
  await trains('both');
  for (const args of [train('--name', 'both'), ['gan', 'pairs', '--preset', 'quick', '--name', 'both']]) {
    const { code, stderr } = await pixtape(args, home);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`runs.both is in use: pixtape train \\(process ${first.child.pid}, since .*\\n.*another --name`),
    );
  }
  first.child.kill('SIGINT');
  expect((await first.done).code).toBe(0);

  const going = begin(['train', '--continue_train', '--name', 'both', '--print_freq', '1', '--steps', '1000000']);
  await until(() => existsSync(join(home, 'runs', 'both', '.pixtape-lock')));
  const again = await pixtape(['train', '--continue_train', '--name', 'both'], home);
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/is in use: pixtape train .*\n.*then go on with --continue_train/);
  // Steps are consecutive: nothing else has written in between.
  going.child.kill('SIGKILL');
  await going.done;
  const steps = linesOf(join(home, 'runs', 'both', 'log.jsonl')).map((line) => JSON.parse(line).step);
  expect(steps).toEqual(steps.map((_, i) => i + 1));
});

it('takes the next free name for a second run without one', { tags: 'long', timeout: 240_000 }, async () => {
  const both = [begin(train()), begin(train())];
  await Promise.all([trains('pairs-tutorial'), trains('pairs-tutorial-2')]);
  for (const { child, done } of both) {
    child.kill('SIGTERM');
    expect((await done).code).toBe(0);
  }
  expect(readdirSync(join(home, 'runs')).filter((name) => name.startsWith('pairs'))).toHaveLength(2);
  // A folder that kill -9 has left neither blocks others nor counts as a run.
  const killed = begin(train('--name', 'killed'));
  await trains('killed');
  killed.child.kill('SIGKILL');
  await killed.done;
  const { code, stderr } = await pixtape([...train('--name', 'killed'), '--steps', '2'], home);
  expect(stderr).not.toContain('pixtape:');
  expect(code).toBe(0);
});

it('lets one translate at a time fill a folder, but several write single pictures into it', {
  tags: 'long',
  timeout: 240_000,
}, async () => {
  await pixtape([...train('--name', 'model'), '--steps', '2'], home);
  mkdirSync(join(home, 'pictures'));
  for (let i = 0; i < 400; i++) writePng(join(home, 'pictures', `${i}.png`), 16, 16, i);
  const first = begin(['translate', 'model', 'pictures', 'painted']);
  await until(() => existsSync(join(home, 'painted', '.pixtape-lock')));
  const second = await pixtape(['translate', 'model', 'pairs', 'painted', '--side', 'left'], home);
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(/painted is in use: pixtape translate .*\n.*another folder for OUT/);
  const data = await pixtape(['data', 'split', 'pairs', 'painted'], home);
  expect(data.stderr).toMatch(/painted is in use: pixtape translate/);
  const single = await pixtape(['translate', 'model', join('pictures', '1.png'), join('painted', 'single.png')], home);
  expect(single.code).toBe(0);
  expect((await first.done).code).toBe(0);
  expect(readdirSync(join(home, 'painted'))).toHaveLength(401);
});

it('leaves no folder if the run fails at the start', { tags: 'long' }, async () => {
  writeFileSync(join(home, 'pairs', 'notes.txt'), 'no picture');
  const { code } = await pixtape(
    ['train', '--dataroot', 'nowhere', '--name', 'nothing', '--checkpoints_dir', 'x'],
    home,
  );
  expect(code).toBe(1);
  expect(existsSync(join(home, 'x'))).toBe(false);
});
