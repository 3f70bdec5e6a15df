import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { readSafetensors } from '../../../src/files/files.ts';
import { temporaryFolders } from '../../pix2pix/train/tiny.ts';
import { amount } from '../../sets.ts';
import { build, linesOf, pixtape, start, TINY, until, writePairs } from '../command.ts';

/** Runs that are stopped from outside, each in a process of its own. */
const folder = temporaryFolders();
let home: string;
beforeAll(() => {
  build();
  home = folder();
  writePairs(join(home, 'pairs'), 12);
});

const train = (name: string, ...more: string[]) => ['train', '--dataroot', 'pairs', '--name', name, ...TINY, ...more];
const resume = (name: string, ...more: string[]) => [
  ...['train', '--continue_train', '--name', name, '--print_freq', '1'],
  ...more,
];
const log = (name: string) => join(home, 'runs', name, 'log.jsonl');
const losses = (name: string) =>
  linesOf(log(name)).map((line) => {
    const { step, lossD, lossG, lossAdv, lossL1 } = JSON.parse(line);
    return { step, lossD, lossG, lossAdv, lossL1 };
  });

/** Every tensor of a run's checkpoint. */
async function state(name: string): Promise<Map<string, unknown>> {
  const file = await readSafetensors(join(home, 'runs', name, 'latest.safetensors'));
  const tensors = new Map<string, unknown>();
  for (const tensor of file.entries.keys()) tensors.set(tensor, await file.read(tensor));
  await file.close();
  return tensors;
}

const temporaries = (name: string) => readdirSync(join(home, 'runs', name)).filter((file) => file.endsWith('.tmp'));

it('continues from a kept epoch or step, with the same bits, and keeps the last state', {
  tags: 'long',
  timeout: 240_000,
}, async () => {
  // 11 pairs in batches of 2 are 5 steps an epoch.
  const kept = ['--save_epoch_freq', '1', '--save_by_iter', '--save_latest_freq', '4', '--lr_policy', 'step'];
  const first = await pixtape(train('back', '--steps', '12', '--lr_decay_iters', '1', ...kept), home);
  expect(first.code).toBe(0);
  const whole = { losses: losses('back'), state: await state('back') };
  const files = readdirSync(join(home, 'runs', 'back'));
  expect(files).toEqual(expect.arrayContaining(['epoch-1.safetensors', 'epoch-2.safetensors', 'iter-8.safetensors']));
  const ways = [
    [['--epoch', '1'], 'going back to step 5 (epoch-1.safetensors); the checkpoint of step 12 is kept as iter-12'],
    [['--load_iter', '8'], 'going back to step 8 (iter-8.safetensors)'],
  ] as const;
  for (const [flag, from] of ways.slice(0, amount(1, ways.length))) {
    const again = await pixtape(resume('back', ...flag, '--steps', '12'), home);
    expect(again.stdout).toContain(from);
    expect(again.code).toBe(0);
    expect(losses('back')).toEqual(whole.losses);
    expect(await state('back')).toEqual(whole.state);
  }
  const none = await pixtape(resume('back', '--epoch', '7', '--steps', '20'), home);
  expect(none.stderr).toMatch(
    /there is no checkpoint .*epoch-7\.safetensors\n.*Kept are: epoch-1.safetensors, epoch-2/,
  );
});

it('at Ctrl-C finishes the step, saves and says how to continue; continuing gives the same bits', {
  timeout: 240_000,
}, async () => {
  const running = start(train('stopped', '--steps', '100000'), home);
  await until(() => linesOf(log('stopped')).length >= 3);
  // Twice, because npm forwards what the terminal has already sent.
  running.child.kill('SIGINT');
  running.child.kill('SIGTERM');
  const stopped = await running.done;
  expect(stopped.stderr).not.toContain('pixtape:');
  expect(stopped.code).toBe(0);
  const at = Number(/interrupted after step (\d+): held-out L1 not measured yet/.exec(stopped.stdout)?.[1]);
  expect(stopped.stdout).toContain('finishing this step, then saving');
  expect(stopped.stdout).toContain('npx pixtape train --continue_train --name stopped\n');
  expect(losses('stopped').at(-1)?.step).toBe(at);
  expect(temporaries('stopped')).toEqual([]);

  const last = String(at + 3);
  const going = await pixtape(resume('stopped', '--steps', last), home);
  expect(going.stdout).toContain(`going on after step ${at}`);
  expect(going.code).toBe(0);
  expect((await pixtape(train('straight', '--steps', last), home)).code).toBe(0);
  expect(losses('stopped')).toEqual(losses('straight'));
  expect(losses('stopped')).toHaveLength(at + 3);
  expect(await state('stopped')).toEqual(await state('straight'));
});

it('continues from the last good checkpoint after kill -9, with the same bits', {
  tags: 'long',
  timeout: 240_000,
}, async () => {
  const running = start(train('killed', '--steps', '100000', '--save_latest_freq', '4', '--display_freq', '3'), home);
  await until(() => linesOf(log('killed')).length >= 7);
  running.child.kill('SIGKILL');
  expect((await running.done).signal).toBe('SIGKILL');
  const reached = losses('killed').at(-1)?.step ?? 0;
  const saved = reached - (reached % 4);

  const last = String(reached + 2);
  const going = await pixtape(resume('killed', '--steps', last), home);
  expect(going.stderr).not.toContain('pixtape:');
  const after = Number(/going on after step (\d+)/.exec(going.stdout)?.[1]);
  // If it is killed while it writes a checkpoint, the previous one is used.
  expect([saved, saved - 4]).toContain(after);
  expect((await pixtape(train('unharmed', '--steps', last), home)).code).toBe(0);
  expect(losses('killed')).toEqual(losses('unharmed'));
  expect(await state('killed')).toEqual(await state('unharmed'));
  expect(temporaries('killed')).toEqual([]);
});

it('is bounded by minutes, each session by itself', { tags: 'long', timeout: 240_000 }, async () => {
  const first = await pixtape(train('timed', '--minutes', '0.02'), home);
  const at = Number(/time is up after step (\d+): held-out L1 0\.\d+/.exec(first.stdout)?.[1]);
  expect(at).toBeGreaterThan(0);
  const again = await pixtape(resume('timed', '--minutes', '0.02'), home);
  expect(again.code).toBe(0);
  expect(losses('timed').at(-1)?.step).toBeGreaterThan(at);
  expect(readdirSync(join(home, 'runs', 'timed', 'samples')).length).toBeGreaterThanOrEqual(2);
});
