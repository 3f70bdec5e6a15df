/** @module-tag long */
import { join } from 'node:path';
import type { Page, Worker } from 'playwright-core';
import { expect, it } from 'vitest';
import { readSafetensors } from '../../../src/files/files.ts';
import { writePairs } from '../../cli/command.ts';
import { temporaryFolders } from '../../pix2pix/train/tiny.ts';
import { describePage, type Open } from '../helpers/page.ts';
import { choose, destroyDevice, pause, phase, SLOW, SOON, save, stepOf, text } from '../helpers/person.ts';

/** Accidents of a page that trains for hours. */

const folder = temporaryFolders();

/** A run that no machine finishes during a test. */
async function training(open: Open, home: string, init?: () => void): Promise<Page> {
  const page = await open('#train', { init });
  await page.locator('#epochs').fill('1000000');
  await choose(page, 'choose-folder', writePairs(join(home, 'pairs'), 6));
  for (const id of ['hidden', 'batch']) await page.locator(`#${id}`).selectOption(id === 'hidden' ? '4' : '2');
  await page.locator('#go').click();
  await expect.poll(() => stepOf(page), { timeout: 120_000 }).toBeGreaterThan(2);
  return page;
}

/** The effects of a hidden tab, which a browser without a window never hides: no frames, and one timer per second. */
function hidden(): void {
  Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
  Object.defineProperty(document, 'hidden', { value: true });
  globalThis.requestAnimationFrame = () => 0;
  const { setTimeout, setInterval } = globalThis;
  const slow =
    (start: typeof setTimeout | typeof setInterval) =>
    (work: () => void, delay = 0, ...rest: unknown[]) =>
      start(work, Math.max(1000, delay), ...rest);
  Object.assign(globalThis, { setTimeout: slow(setTimeout), setInterval: slow(setInterval) });
}

/** Loses this many of the devices that the page opens from now on, as soon as they exist. */
async function losing(page: Page, times: number): Promise<void> {
  const worker = page.workers().find((w) => w.url().endsWith('train.js')) as Worker;
  await worker.evaluate((first) => {
    const state = globalThis as unknown as { left?: number };
    if (state.left === undefined) {
      const { requestDevice } = GPUAdapter.prototype;
      GPUAdapter.prototype.requestDevice = async function (...args) {
        const device = await requestDevice.apply(this, args);
        if ((state.left as number)-- > 0) setTimeout(() => device.destroy());
        return device;
      };
    }
    state.left = first;
  }, times);
}

describePage('a page that trains', (open) => {
  it('continues in a hidden tab', { timeout: SLOW }, async () => {
    const page = await training(open, folder(), hidden);
    await expect.poll(() => text(page, 'train-status'), SOON).toMatch(/^Training/);
    await expect.poll(() => page.locator('#samples').getAttribute('data-step'), SOON).not.toBeNull();
    const step = await stepOf(page);
    await expect.poll(() => stepOf(page), SOON).toBeGreaterThan(step + 2);
    expect(await phase(page)).toBe('running');
    await pause(page);
  });

  it('survives three losses of its device in a row; after more it says so, keeps its state, and can continue', {
    timeout: 2 * SLOW,
  }, async () => {
    const home = folder();
    const page = await training(open, home);
    await losing(page, 2);
    const before = await stepOf(page);
    await destroyDevice(page, 'train.js');
    await expect.poll(() => text(page, 'train-status'), SOON).toMatch(/device was lost.*goes on from step/);
    await expect.poll(() => stepOf(page), SOON).not.toBe(before);
    const step = await stepOf(page);
    await expect.poll(() => stepOf(page), SOON).toBeGreaterThan(step);
    expect(await phase(page)).toBe('running');

    await losing(page, Number.POSITIVE_INFINITY);
    await destroyDevice(page, 'train.js');
    await expect.poll(() => phase(page), SOON).toBe('paused');
    const said = await text(page, 'train-status');
    expect(said).toMatch(/device was lost 4 times in a row .*The state of step [\d,]+ is kept/s);
    const kept = Number(/step ([\d,]+) is kept/.exec(said ?? '')?.[1]?.replaceAll(',', ''));
    const file = join(home, 'latest.safetensors');
    await save(page, file);
    const saved = await readSafetensors(file);
    expect(Number(saved.metadata.step)).toBe(kept);
    await saved.close();

    await losing(page, 0);
    await page.locator('#go').click();
    await expect.poll(() => phase(page), SOON).toBe('running');
    const from = await stepOf(page);
    await expect.poll(() => stepOf(page), SOON).toBeGreaterThan(from);
    await pause(page);
  });
});
