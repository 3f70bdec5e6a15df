import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cacheDirectory } from '../../../src/files/cache.ts';
import { readSafetensors } from '../../../src/files/files.ts';
import { convolutionsOf, trainingStep } from '../../../src/pix2pix/train/autotune/tune.ts';
import { readCheckpointHeader } from '../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import type { TuningRecord } from '../../../src/pix2pix/train/checkpoint/tuning_record.ts';
import { PRESETS } from '../../../src/pix2pix/train/config/config.ts';
import { openTestDevice } from '../../device.ts';
import { build, pixtape, TINY, writePairs } from '../command.ts';

const home = mkdtempSync(join(tmpdir(), 'pixtape-tune-'));
const folder = join(home, 'cache', 'pixtape', 'tuning');
const MODEL = TINY.slice(0, TINY.indexOf('--print_freq'));
let keys: string[];

beforeAll(async () => {
  build();
  writePairs(join(home, 'pairs'), 10);
  const device = await openTestDevice();
  const { generator, ...rest } = PRESETS.tutorial;
  const config = {
    ...rest,
    generator: { ...generator, hidden: 2, depth: 2 },
    discHidden: 2,
    width: 16,
    height: 16,
    batch: 2,
  };
  keys = (await convolutionsOf(device, trainingStep(config))).map(({ key }) => key);
  device.destroy();
  // The driver may keep using what it has compiled before.
  process.env.MESA_SHADER_CACHE_DIR ??= join(cacheDirectory(), '..');
  process.env.XDG_CACHE_HOME = join(home, 'cache');
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Writes measurements of every convolution, won by `chosen`, into the file that the command has begun. */
function pretend(chosen: string): void {
  const [name] = readdirSync(folder);
  const file = join(folder, name as string);
  const measured = Object.fromEntries(keys.map((key) => [key, { chosen, entries: [{ choice: chosen, ms: 1 }] }]));
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), measured }));
}

async function train(name: string, steps: number, ...more: string[]): Promise<string> {
  const named = more.includes('--continue_train') ? [] : ['--dataroot', 'pairs', ...TINY];
  const args = ['train', '--name', name, '--steps', String(steps), ...named, ...more];
  const { code, stdout, stderr } = await pixtape(args, home);
  expect(stderr).not.toContain('pixtape:');
  expect(code).toBe(0);
  return stdout + stderr;
}

const latest = (name: string) => join(home, 'runs', name, 'latest.safetensors');

/** Every tensor of a run's checkpoint. */
async function state(name: string): Promise<Map<string, unknown>> {
  const file = await readSafetensors(latest(name));
  const tensors = new Map<string, unknown>();
  for (const tensor of file.entries.keys()) tensors.set(tensor, await file.read(tensor));
  await file.close();
  return tensors;
}

const record = async (name: string) => (await readCheckpointHeader(latest(name))).run.tuning as TuningRecord;

it('a run keeps the kernels of its record, whatever is measured meanwhile', {
  tags: 'long',
  timeout: 400_000,
}, async () => {
  await pixtape(['tune', ...MODEL, '--minutes', '0.01'], home);
  pretend('gemm');
  expect(await train('whole', 4)).toContain(`tuning   ${keys.length} convolutions measured on this adapter, else`);
  await train('parts', 2);
  const before = await record('parts');
  expect(before.choices[keys[0] as string]).toMatch(/^gemm /);

  pretend('direct');
  expect(await train('parts', 4, '--continue_train')).toContain('tuning   the kernels that the run began with');
  expect(await state('parts')).toEqual(await state('whole'));
  expect(await record('parts')).toEqual(await record('whole'));

  // A new run uses the new measurements; one that asks for it uses the shipped table.
  await train('now', 4);
  expect((await record('now')).choices[keys[0] as string]).toBe('direct');
  expect(await state('now')).not.toEqual(await state('whole'));
  const forced = await train('now', 5, '--continue_train', '--no-tune');
  expect(forced).toContain('not bit for bit');
  expect(forced).toMatch(/tuning {3}the table shipped for/);
});

it('pixtape tune measures in the time given, and prints what it chose', { timeout: 400_000 }, async () => {
  rmSync(folder, { recursive: true, force: true });
  const first = await pixtape(['tune', ...MODEL, '--minutes', '0.02'], home);
  expect(first.stderr).not.toContain('pixtape:');
  expect(first.code).toBe(0);
  const count = Number(/tuning {3}(\d+) convolutions? measured in/.exec(first.stdout)?.[1]);
  expect(count).toBeGreaterThan(0);
  expect(first.stdout).toMatch(/convolution +direction +uses +default +ms +chosen +ms +gain +GFLOP\/s/);
  expect(first.stdout).toMatch(/\d×\d+→\d+ \d×\d @\d+×\d+ +(forward|input grad|weight grad) +\d+ /);
  expect(first.stdout).toMatch(/all convolutions of a training step: [\d.]+ ms with the defaults/);
  const left = keys.length - count;
  if (left > 0) expect(first.stdout).toContain(`${left} convolutions are not measured yet`);
  expect(readdirSync(folder)).toHaveLength(1);
});

it('pixtape tune continues from there, and training uses its choices', {
  tags: 'long',
  timeout: 400_000,
}, async () => {
  const [name] = readdirSync(folder);
  const { measured } = JSON.parse(readFileSync(join(folder, name as string), 'utf8'));
  const count = Object.keys(measured).length;
  const again = await pixtape(['tune', ...MODEL, '--minutes', '0.02', '--json'], home);
  const printed = JSON.parse(again.stdout) as { key: string; chosen: string; entries: { choice: string }[] }[];
  expect(printed.length).toBeGreaterThan(Math.min(count, keys.length - 1));
  for (const { key, chosen, entries } of printed) {
    expect(keys).toContain(key);
    expect(entries.map((e) => e.choice)).toContain(chosen);
  }
  expect(await train('tuned', 1)).toContain(`${printed.length} convolutions measured on this adapter`);
});
