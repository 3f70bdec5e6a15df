import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolders } from '../pix2pix/train/tiny.ts';
import type { Summary } from '../reporter.ts';

/** The summary of a test run, which .ci/run reads: tested on small test files. */

const root = resolve(import.meta.dirname, '..', '..');
const newFolder = temporaryFolders();

/** Split, or it would count for this file. */
const MODULE_TAG = ['@module', 'tag'].join('-');

const files: Record<string, string> = {
  'mixed.test.ts': `import { beforeEach, describe, expect, it } from 'vitest';
it('is fine', () => {});
it('takes long', { tags: 'long' }, () => {});
it('is wrong', () => expect(1).toBe(2));
it('lacks torch', ({ skip }) => skip(true, 'no torch here'));
it.skipIf(true)('does not say why', () => {});
describe('in a browser', () => {
  beforeEach(({ skip }) => skip('no browser here'));
  it.each([1, 2])('looks %i', () => {});
});`,
  'long.test.ts': `/**
 * All of it is long.
 * ${MODULE_TAG} long
 */
import { it } from 'vitest';
it('takes minutes', () => {});`,
  'broken.test.ts': `throw new Error('cannot be loaded');`,
};

function run(names: readonly string[], ...args: string[]): { summary: Summary; last: string; status: number | null } {
  const folder = newFolder();
  mkdirSync(join(folder, 'test'));
  for (const name of names) writeFileSync(join(folder, 'test', name), files[name] as string);
  const summary = join(folder, 'summary.json');
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const config = ['--config', join(root, 'vitest.config.ts'), '--root', folder, '--dir', folder];
  const { stdout, status } = spawnSync(process.execPath, [vitest, 'run', ...config, ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PIXTAPE_TEST_SUMMARY: summary },
  });
  return { summary: JSON.parse(readFileSync(summary, 'utf8')), last: stdout.trim().split('\n').at(-1) ?? '', status };
}

it('counts passed, failed and skipped tests, with reasons, and those left out', { timeout: 60_000 }, () => {
  const { summary, last, status } = run(Object.keys(files), '--tagsFilter=!long');
  expect(status).toBe(1);
  expect(summary.failed.sort()).toEqual(['test/broken.test.ts: cannot be loaded', 'test/mixed.test.ts: is wrong']);
  expect({ ...summary, failed: [] }).toEqual({
    passed: 1,
    failed: [],
    skipped: { 'no torch here': 1, 'no reason given in test/mixed.test.ts': 1, 'no browser here': 2 },
    leftOut: 2,
  });
  expect(last).toMatch(
    /^1 passed, 2 failed, 4 skipped \(.*2 × no browser here.*\), 2 long ones left out, which npm run test:all runs$/,
  );
});

it('counts only tests selected by name', { timeout: 60_000 }, () => {
  const { last } = run(['mixed.test.ts'], '-t', 'is fine');
  expect(last).toBe('1 passed, 0 failed');
});

it('leaves nothing out if all tests are selected', { timeout: 60_000 }, () => {
  const { summary, last } = run(['long.test.ts']);
  expect(summary).toEqual({ passed: 1, failed: [], skipped: {}, leftOut: 0 });
  expect(last).toBe('1 passed, 0 failed');
});
