/**
 * Several processes that train together over MPI's loopback.
 * @module-tag long
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../../../src/engine/util/safetensors.ts';
import { build, linesOf, pixtape, until, writePairs } from '../command.ts';
import { hasMpi, MPIRUN, program, type Ranks, startRanks, TINY } from './mpirun.ts';

let folder: string;
beforeAll(() => {
  build();
  folder = mkdtempSync(join(tmpdir(), 'pixtape-ranks-'));
  writePairs(join(folder, 'pairs'), 12);
  writePairs(join(folder, 'others'), 11);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(({ skip }) => skip(!hasMpi, 'there is no mpirun'));

const start = (...ranks: readonly (readonly string[])[]) =>
  startRanks(
    folder,
    ranks.map((args) => ({ args })),
  );
const twice = (...args: string[]) => start(args, args);

interface Line {
  step: number;
  lossG: number;
  lossD: number;
}

const log = (name: string): Line[] =>
  linesOf(join(folder, 'runs', name, 'log.jsonl')).map((line) => JSON.parse(line) as Line);

function state(name: string) {
  const file = join(folder, 'runs', name, 'latest.safetensors');
  return decodeSafetensors(new Uint8Array(readFileSync(file)), file).tensors;
}

const FRESH = ['--dataroot', 'pairs', '--batch_size', '2', '--steps', '4'];

describe('two ranks', { timeout: 400_000 }, () => {
  test('train like one process on the whole batch, repeat bit for bit, and continue with any number of ranks', async () => {
    const joint = await pixtape(
      ['train', ...TINY, '--dataroot', 'pairs', '--batch_size', '4', '--steps', '6', '--name', 'joint'],
      folder,
    );
    expect(joint.code, joint.stderr).toBe(0);
    for (const name of ['a', 'b']) {
      const run = twice(...FRESH, '--sync_batchnorm', '--name', name);
      expect(await run.done, run.output()).toBe(0);
      // Only one of them writes and prints.
      expect(run.output().match(/^done after step 4/gm)).toHaveLength(1);
      expect(run.output()).toMatch(/^ranks {4}2, each with 2 of 4 pictures a step; Open MPI/m);
    }
    for (const [i, line] of log('a').entries()) {
      const one = log('joint')[i] as Line;
      expect(Math.abs(line.lossG / one.lossG - 1)).toBeLessThan(1e-5);
      expect(Math.abs(line.lossD / one.lossD - 1)).toBeLessThan(1e-5);
    }
    for (const [name, { data }] of state('a')) {
      const again = state('b').get(name)?.data as typeof data;
      const bytes = (of: typeof data) => Buffer.from(of.buffer, of.byteOffset, of.byteLength);
      expect(bytes(data).equals(bytes(again)), name).toBe(true);
    }
    const halves = twice(...FRESH, '--sync_batchnorm', '--grad_compression', 'f16', '--name', 'halves');
    expect(await halves.done, halves.output()).toBe(0);
    for (const [i, line] of log('halves').entries()) {
      expect(Math.abs(line.lossG / (log('joint')[i] as Line).lossG - 1)).toBeLessThan(1e-3);
    }
    // The first two pairs on two ranks, the others on one.
    const on = await pixtape(['train', '--continue_train', '--name', 'a', '--steps', '6'], folder);
    expect(on.code, on.stderr).toBe(0);
    for (const i of [4, 5]) {
      const [line, one] = [log('a')[i] as Line, log('joint')[i] as Line];
      // Its batch norm has the whole batch, as all ranks together had.
      expect(Math.abs(line.lossG / one.lossG - 1)).toBeLessThan(1e-5);
    }
  });

  test('with different seeds, different pictures, or a batch that cannot be divided are refused before the first step', async () => {
    const refused = async (ranks: Ranks, message: RegExp) => {
      expect(await ranks.done).not.toBe(0);
      expect(ranks.output()).toMatch(message);
    };
    const named = (name: string) => [...FRESH, '--name', name];
    await refused(
      start(named('seeds'), [...named('seeds'), '--seed', '3']),
      /pixtape: rank 0 on \S+: rank 1 on \S+ has the configuration's seed 3, rank 0 on \S+ has 0\n/,
    );
    const others = named('sets').map((arg) => (arg === 'pairs' ? 'others' : arg));
    await refused(start(named('sets'), others), /rank 1 on \S+ has the data set \d+ training pairs/);
    await refused(
      start(named('none'), [...named('none'), '--dataroot', 'nowhere']),
      /pixtape: rank 1 on \S+: .*nowhere/,
    );
    expect(readdirSync(join(folder, 'runs')).filter((name) => /seeds|sets/.test(name))).toEqual([]);
  });

  test('if one is killed, all end, and the last checkpoint is intact', async () => {
    const args = ['--dataroot', 'pairs', '--batch_size', '2', '--save_latest_freq', '2', '--name', 'killed'];
    const run = twice(...args, '--n_epochs', '100000');
    await until(() => log('killed').length > 3);
    const children = readFileSync(`/proc/${run.child.pid}/task/${run.child.pid}/children`, 'utf8').trim().split(' ');
    process.kill(Number(children[1]), 'SIGKILL');
    const killedAt = performance.now();
    expect(await run.done).not.toBe(0);
    expect(performance.now() - killedAt).toBeLessThan(30_000);
    expect(run.output()).toMatch(/rank 1 .*(killed|signal 9)/is);
    expect(state('killed').size).toBeGreaterThan(0);
  });

  test('if one hangs, all end, and it is named', async () => {
    const run = twice('--dataroot', 'pairs', '--batch_size', '2', '--name', 'hung', '--n_epochs', '100000');
    await until(() => log('hung').length > 1);
    const children = readFileSync(`/proc/${run.child.pid}/task/${run.child.pid}/children`, 'utf8').trim().split(' ');
    process.kill(Number(children[1]), 'SIGSTOP');
    const stoppedAt = performance.now();
    expect(await run.done).not.toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(32_000);
    expect(run.output()).toMatch(/pixtape: rank 1 on \S+, process \d+, has not answered for 25 s; all ranks end/);
  });

  test('a rank that is told to save ends all of them after the same step', async () => {
    const run = twice('--dataroot', 'pairs', '--batch_size', '2', '--name', 'told', '--n_epochs', '100000');
    await until(() => log('told').length > 1);
    const children = readFileSync(`/proc/${run.child.pid}/task/${run.child.pid}/children`, 'utf8').trim().split(' ');
    process.kill(Number(children[1]), 'SIGUSR2');
    expect(await run.done, run.output()).toBe(0);
    expect(run.output()).toMatch(/^interrupted after step \d+/m);
  });
});

describe('two ranks of other commands, and errors', { timeout: 200_000 }, () => {
  const mpirun = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const all = [...MPIRUN, '-n', '2', process.execPath, program, ...args];
    return spawnSync('mpirun', all, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } });
  };

  test('a library that is not MPI', () => {
    const { status, stderr } = mpirun(['train', ...TINY, ...FRESH], { PIXTAPE_MPI: program });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/pixtape: rank 0: PIXTAPE_MPI names \S+, which is no MPI library/);
  });

  test('pixtape profile says what the meetings cost each rank', () => {
    const { status, stdout, stderr } = mpirun(['profile', ...TINY.slice(0, -2)]);
    expect(status, stderr).toBe(0);
    for (const rank of [0, 1]) {
      expect(stdout).toMatch(new RegExp(`^rank ${rank} on \\S+: means of 10 steps$`, 'm'));
    }
    const figures = [...stdout.matchAll(/^ *(a step|copies|adding up|gradients|of these)[^\n]*? +([\d.]+) ms/gm)];
    expect(figures).toHaveLength(2 * 5);
    const of = (what: string) => figures.filter(([, name]) => name === what).map(([, , ms]) => Number(ms));
    for (const rank of [0, 1]) {
      const [step, away, exposed] = ['a step', 'gradients', 'of these'].map((what) => of(what)[rank] as number);
      expect(exposed).toBeLessThanOrEqual(away as number);
      expect(away).toBeLessThan(step as number);
      expect(exposed).toBeGreaterThan(0);
    }
  });

  test('a kind of training that does not support ranks', () => {
    const { stderr } = mpirun(['train', '--model', 'cycle_gan', '--dataroot', 'pairs']);
    expect(stderr).toMatch(/--model cycle_gan trains in one process, but Open MPI's mpirun has started 2/);
  });
});
