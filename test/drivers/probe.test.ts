import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findIcds, isLavapipe } from '../../src/drivers/probe/icd.ts';
import { probe } from '../../src/drivers/probe/probe.ts';
import { recipe } from '../../src/drivers/probe/recipe.ts';

const posix = process.platform !== 'win32';
const NOT_POSIX = 'Windows has no such pipes';
const folder = mkdtempSync(join(tmpdir(), 'pixtape-probe-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A recipe whose process runs `code` first, to imitate a driver that misbehaves. */
function misbehaving(name: string, code: string) {
  const path = join(folder, `${name}.cjs`);
  writeFileSync(path, code);
  return recipe({ env: { NODE_OPTIONS: `--require "${path.replaceAll('\\', '/')}"` } });
}

/** Probes a driver, and measures the time in seconds. */
async function timed(of: Parameters<typeof probe>[0], timeLimit?: number) {
  const began = performance.now();
  const answer = await probe(of, false, process.env, '', timeLimit);
  return { ...answer, seconds: (performance.now() - began) / 1000 };
}

describe('a probe', () => {
  it('says so when there is no Vulkan loader', async () => {
    const answer = await probe(recipe({ loaders: ['libno-such-vulkan.so'] }), false, process.env, '');
    expect(answer.failure).toBe('no-loader');
  });

  it('names the library that cannot be loaded', async () => {
    const answer = await probe(recipe({ libraries: [join(folder, 'libnone.so')] }), false, process.env, '');
    expect(answer).toMatchObject({ failure: 'error', message: expect.stringMatching(/libnone\.so/) });
  });

  it('reports Dawn’s message', async () => {
    const answer = await probe(recipe({ flags: ['backend=no-such'] }), false, process.env, '');
    expect(answer.failure).toBe('error');
    expect(answer.message).toMatch(/no-such/);
  });

  it('survives a process that dies, and reports how', async () => {
    const answer = await timed(misbehaving('die', 'process.exit(7);'));
    expect(answer).toMatchObject({ failure: 'crash', message: expect.stringMatching(/exit code 7/) });
  });

  it('gives up on a driver that hangs', async () => {
    const answer = await timed(misbehaving('hang', 'for (;;);'), 1000);
    expect(answer).toMatchObject({ failure: 'timeout', message: 'no answer within 1 s' });
    expect(answer.seconds).toBeLessThan(10);
  });

  it('does not wait for a process that a dead driver has left with its pipes', async ({ skip }) => {
    skip(!posix, NOT_POSIX);
    const code = `require('node:child_process').spawn('sleep', ['30'], { stdio: 'inherit', detached: true }).unref();
      process.exit(7);`;
    const answer = await timed(misbehaving('daemon', code));
    expect(answer).toMatchObject({ failure: 'crash', message: expect.stringMatching(/exit code 7/) });
    expect(answer.seconds).toBeLessThan(15);
  });
});

describe('ICD files', () => {
  it('are those of VK_DRIVER_FILES if it is set, and lavapipe is recognised by its library', () => {
    const mesa = join(folder, 'some_name.json');
    writeFileSync(mesa, JSON.stringify({ ICD: { library_path: '/usr/lib/libvulkan_lvp.so' } }));
    const other = join(folder, 'lvp_in_name_only.json');
    writeFileSync(other, JSON.stringify({ ICD: { library_path: 'libvulkan_radeon.so' } }));
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, '{');
    const found = findIcds({ VK_DRIVER_FILES: [other, mesa, broken, join(folder, 'missing.json')].join(delimiter) });
    expect(found).toEqual([other, mesa, broken]);
    expect(found.filter(isLavapipe)).toEqual([mesa]);
  });

  it('are files: reading a pipe would wait for ever', ({ skip }) => {
    skip(!posix, NOT_POSIX);
    const drivers = mkdtempSync(join(folder, 'icd.d-'));
    execFileSync('mkfifo', [join(drivers, 'pipe.json')]);
    writeFileSync(join(drivers, 'file.json'), '{}');
    expect(findIcds({ VK_DRIVER_FILES: drivers })).toEqual([join(drivers, 'file.json')]);
  });
});
