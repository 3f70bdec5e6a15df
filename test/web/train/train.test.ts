import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { build, pixtape, writePairs } from '../../cli/command.ts';
import { temporaryFolders } from '../../pix2pix/train/tiny.ts';
import { runInNode } from '../helpers/bundle.ts';
import { describePage, type Open } from '../helpers/page.ts';
import {
  choose,
  destroyDevice,
  longestTask,
  otherAnswer,
  pause,
  phase,
  ready,
  SLOW,
  SOON,
  save,
  stepOf,
  text,
  zipped,
} from '../helpers/person.ts';

/** The Train view as a user operates it, and checkpoints exchanged with the command line. */

const folder = temporaryFolders();

/** The page with a run that no machine finishes during a test. */
async function endless(open: Open): Promise<Page> {
  const page = await open('#train');
  await page.locator('#epochs').fill('1000000');
  return page;
}

describePage('the Train view', (open) => {
  it('trains on the emoji without holding up the page, pauses, goes on, and paints with the result', {
    tags: 'long',
    timeout: SLOW,
  }, async () => {
    const page = await endless(open);
    await page.locator('#go').click();
    await expect.poll(() => stepOf(page), { timeout: 120_000 }).toBeGreaterThan(1);
    // Time windows of a few seconds, one of which must have no long task, because other processes on the machine
    // cause some, too. A page that computes on its main thread has long ones in each.
    const longest: number[] = [];
    while (longest.length < 8 && !longest.includes(0)) longest.push(await longestTask(page, 4000));
    expect(longest).toContain(0);
    expect(await text(page, 'fact-speed')).toMatch(/^\d/);
    expect(await text(page, 'fact-memory')).toMatch(/MiB$/);
    expect(await page.locator('#samples canvas').count()).toBe(12);
    expect(await page.locator('#chart-error canvas').count()).toBe(1);
    const paused = await pause(page);
    await page.waitForTimeout(1500);
    expect(await stepOf(page)).toBe(paused);
    await page.locator('#go').click();
    await expect.poll(() => stepOf(page), SOON).toBeGreaterThan(paused);
    await page.locator('#try').click();
    await expect.poll(() => text(page, 'model'), SOON).toMatch(/the run in the Train tab/);
    await ready(page);
    await page.locator('.example').first().click();
    await otherAnswer(page, new Array(64 * 64 * 4).fill(0));
  });

  it('a checkpoint goes from Node to the page and back, bit for bit', { tags: 'long', timeout: SLOW }, async () => {
    build();
    const home = folder();
    const pairs = writePairs(join(home, 'pairs'), 8);
    const first = join(home, 'first.safetensors');
    await runInNode('round_trip.ts', ['begin', first, pairs, '3']);

    const page = await open('#train');
    await choose(page, 'choose-folder', pairs);
    await choose(page, 'continue', first);
    await expect.poll(() => text(page, 'train-status'), SOON).toMatch(/a run of 3 steps/);
    expect(await page.locator('#size').inputValue()).toBe('16');
    await page.locator('#go').click();
    await expect.poll(() => stepOf(page), SOON).toBeGreaterThan(4);
    const steps = await pause(page);
    const run = join(home, 'runs', 'trip');
    await save(page, join(run, 'latest.safetensors'));

    const [inNode] = await runInNode('round_trip.ts', ['go_on', first, pairs, String(steps)]);
    const [inPage] = await runInNode('round_trip.ts', ['hash', join(run, 'latest.safetensors')]);
    expect(inPage).toBe(inNode);

    const args = `train --continue_train --name trip --dataroot pairs --steps ${steps + 2}`.split(' ');
    const { stdout, stderr, code } = await pixtape(args, home);
    expect(stdout).toContain(`done after step ${steps + 2}`);
    expect(code, stderr).toBe(0);
    const translated = await pixtape(
      ['translate', 'trip', join(pairs, 'pair0.png'), 'out.png', '--side', 'right'],
      home,
    );
    expect(translated.code, translated.stderr).toBe(0);

    // And once more in the other direction, into the Paint tab.
    await page.locator('#tab-paint').click();
    await choose(page, 'load-model', join(run, 'latest.safetensors'));
    await expect.poll(() => text(page, 'model'), SOON).toContain(`${steps + 2} training steps`);
  });

  it('accepts a zip, and continues from its last state when the device is lost', {
    tags: 'long',
    timeout: SLOW,
  }, async () => {
    const home = folder();
    const page = await endless(open);
    const pairs = writePairs(join(home, 'pairs'), 6);
    writeFileSync(join(pairs, 'bad.png'), 'no picture');
    await choose(page, 'choose-zip', await zipped(pairs, join(home, 'pairs.zip')));
    for (const [id, value] of [
      ['hidden', '4'],
      ['batch', '2'],
    ] as const)
      await page.locator(`#${id}`).selectOption(value);
    await page.locator('#go').click();
    await expect.poll(() => stepOf(page), { timeout: 90_000 }).toBeGreaterThan(2);
    expect(await text(page, 'warnings')).toMatch(/bad\.png is damaged/);
    await destroyDevice(page, 'train.js');
    await expect.poll(() => text(page, 'train-status'), SOON).toMatch(/device was lost.*goes on from step/);
    const step = await stepOf(page);
    await expect.poll(() => stepOf(page), SOON).toBeGreaterThan(step);
    expect(await phase(page)).toBe('running');
    await save(page, join(home, 'latest.safetensors'));
    await pause(page);
  });
});
