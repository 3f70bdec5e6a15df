/**
 * Failures of one of several processes that train together.
 * @module-tag long
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decodeSafetensors } from '../../../src/engine/util/safetensors.ts';
import { build, linesOf, writePairs } from '../command.ts';
import { hasMpi, startRanks } from './mpirun.ts';

let folder: string;
beforeAll(() => {
  build();
  folder = mkdtempSync(join(tmpdir(), 'pixtape-ranks-'));
  writePairs(join(folder, 'pairs'), 12);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(({ skip }) => skip(!hasMpi, 'there is no mpirun'));

const logOf = (name: string) => join(folder, 'runs', name, 'log.jsonl');
const args = (name: string) => ['--dataroot', 'pairs', '--batch_size', '2', '--save_latest_freq', '2', '--name', name];

/** A module that a rank loads before the program. `started` tells whether the run's log has some lines. */
function preload(name: string, text: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { existsSync, readFileSync } from 'node:fs';
     import { isMainThread } from 'node:worker_threads';
     import { globals } from '${pathToFileURL(resolve('node_modules/webgpu/index.js')).href}';
     const log = ${JSON.stringify(logOf(name))};
     const started = () => existsSync(log) && readFileSync(log, 'utf8').split('\\n').length > 4;
     ${text}`,
  );
  return pathToFileURL(file).href;
}

const latest = (name: string) => {
  const file = join(folder, 'runs', name, 'latest.safetensors');
  return decodeSafetensors(new Uint8Array(readFileSync(file)), file);
};

test('a NaN on one rank ends all ranks with one message that names it, and the last checkpoint is intact', {
  timeout: 200_000,
}, async () => {
  const spoil = preload(
    'nan',
    `const { writeBuffer } = globals.GPUQueue.prototype;
     const batch = 2 * 3 * 16 * 16 * 4;
     globals.GPUQueue.prototype.writeBuffer = function (buffer, at, data, from, size) {
       const bad = size === batch && started();
       return writeBuffer.call(this, buffer, at, bad ? new Float32Array(batch / 4).fill(NaN).buffer : data, bad ? 0 : from, size);
     };`,
  );
  const { done, output } = startRanks(folder, [{ args: args('nan') }, { args: args('nan'), preload: spoil }]);
  expect(await done).not.toBe(0);
  const said = output().match(/pixtape: .*/g) ?? [];
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(
    /^pixtape: rank 0 on \S+: step \d+: rank 1 on \S+ has computed a loss or a statistic that is NaN or infinite\. /,
  );
  for (const { data } of latest('nan').tensors.values())
    expect(Array.from(data, Number).every(Number.isFinite)).toBe(true);
});

test('a main thread that hangs ends all ranks within half a minute, and is named', { timeout: 200_000 }, async () => {
  const hang = preload(
    'hangs', // The thread that calls MPI loads it, too.
    // It hangs between two heartbeats, as on a machine that does four steps per second.
    `const { setInterval } = globalThis;
     if (isMainThread) {
       globalThis.setInterval = (call, ms, ...args) => setInterval(call, ms === 1000 ? 2 ** 30 : ms, ...args);
       setInterval(() => { if (started()) for (;;); }, 10).unref();
     }`,
  );
  const { done, output } = startRanks(folder, [{ args: args('hangs') }, { args: args('hangs'), preload: hang }]);
  while (!existsSync(logOf('hangs')) || linesOf(logOf('hangs')).length < 4) await new Promise((r) => setTimeout(r, 50));
  const from = performance.now();
  expect(await done).not.toBe(0);
  expect(performance.now() - from).toBeLessThan(32_000);
  expect(output()).toMatch(/pixtape: rank 1 on \S+, process \d+, has hung for 25 s; all ranks end/);
});

test('a driver that compiles for longer than that is not taken for hung', { timeout: 300_000 }, async () => {
  const slow = preload(
    'slow',
    `const { createComputePipelineAsync } = globals.GPUDevice.prototype;
     let first = true;
     globals.GPUDevice.prototype.createComputePipelineAsync = function (...args) {
       const end = performance.now() + (first ? 32_000 : 0);
       first = false;
       while (performance.now() < end);
       return createComputePipelineAsync.apply(this, args);
     };`,
  );
  const steps = [...args('slow'), '--steps', '2'];
  const { done, output } = startRanks(folder, [{ args: steps }, { args: steps, preload: slow }]);
  expect(await done, output()).toBe(0);
  expect(output()).toMatch(/^done after step 2/m);
});
