/** @module-tag long */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { writePairs } from '../../cli/command.ts';
import { temporaryFolders } from '../../pix2pix/train/tiny.ts';
import { runInNode } from '../helpers/bundle.ts';
import { describePage } from '../helpers/page.ts';
import { choose, dropPaths, pause, phase, SLOW, SOON, save, stepOf, text } from '../helpers/person.ts';

/** Runs that end, and the folders of their data. */

const folder = temporaryFolders();
const small = async (page: Page) => {
  await page.locator('#hidden').selectOption('4');
  await page.locator('#batch').selectOption('2');
};

describePage('a run in the page', (open) => {
  it(
    'ends with its epochs, the learning rate at zero, with the same bits as the same run in Node',
    async () => {
      const home = folder();
      const pairs = writePairs(join(home, 'pairs'), 8);
      const page = await open('#train');
      await choose(page, 'choose-folder', pairs);
      await small(page);
      for (const [epochs, decay] of [
        ['0', '0'],
        ['-1', '2'],
        ['', ''],
      ] as const) {
        await page.locator('#epochs').fill(epochs);
        await page.locator('#epochs-decay').fill(decay);
        await page.locator('#go').click();
        await expect.poll(() => text(page, 'train-status'), SOON).toMatch(/^Epochs are numbers/);
        expect(await phase(page)).toBe('idle');
      }
      await page.locator('#epochs').fill('1');
      await page.locator('#epochs-decay').fill('1.5');
      await page.locator('#go').click();
      await expect.poll(() => text(page, 'train-status'), { timeout: 120_000 }).toMatch(/^Done: all \d+ steps/);
      const steps = await stepOf(page);
      expect(await text(page, 'fact-last')).toBe(`of ${steps}`);
      expect(await phase(page)).toBe('paused');
      // The final result is shown.
      expect(await page.locator('#samples').getAttribute('data-step')).toBe(String(steps));
      const file = join(home, 'latest.safetensors');
      await save(page, file);
      const [made, inNode] = await runInNode('round_trip.ts', ['repeat', file, pairs]);
      expect(Number(made)).toBe(steps);
      expect((await runInNode('round_trip.ts', ['hash', file]))[0]).toBe(inNode);

      await page.locator('#go').click();
      await expect.poll(() => text(page, 'train-status'), SOON).toMatch(/already done .* Ask for more epochs\.$/);
      await page.locator('#epochs-decay').fill('10000');
      await page.locator('#go').click();
      await expect.poll(() => stepOf(page), SOON).toBeGreaterThan(steps);
      // From zero to the new, flatter line.
      const rate = Number(await text(page, 'fact-rate'));
      expect(rate).toBeGreaterThan(0.0019);
      expect(rate).toBeLessThanOrEqual(0.002);
      await pause(page);
    },
    SLOW,
  );

  it(
    'takes a folder that is dropped, SVGs in it; names what it cannot read',
    async () => {
      const pairs = join(folder(), 'drawings');
      mkdirSync(pairs);
      for (let i = 0; i < 6; i++) {
        // No size of its own, only that of its box: a red left half, a grey right one.
        const halves =
          '<rect width="64" height="64" fill="#c83214"/><rect x="64" width="64" height="64" style="fill:#808080"/>';
        const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 64">${halves}</svg>`;
        writeFileSync(join(pairs, `pair${i}.svg`), svg);
      }
      writeFileSync(join(pairs, 'broken.svg'), '<svg');
      writeFileSync(join(pairs, 'scan.tif'), Buffer.from('49492a0008000000', 'hex'));
      const page = await open('#train');
      await dropPaths(page, [pairs]);
      await expect.poll(() => text(page, 'train-status'), SOON).toBe('drawings (8 files): press Start.');
      await small(page);
      await page.locator('#epochs').fill('1000000');
      await page.locator('#go').click();
      await expect.poll(() => page.locator('#samples canvas').count(), { timeout: 90_000 }).toBeGreaterThan(2);
      const warnings = await text(page, 'warnings');
      expect(warnings).toContain('broken.svg is damaged, or in a format that this browser cannot decode');
      expect(warnings).toContain('scan.tif is a TIFF, which is not read in a page');
      const shown = await page.locator('#samples figure:first-child canvas').evaluateAll((canvases) =>
        canvases.map((canvas) => {
          const context = (canvas as HTMLCanvasElement).getContext('2d');
          return [...(context?.getImageData(32, 32, 1, 1).data ?? [])];
        }),
      );
      const [condition, , real] = shown;
      expect(condition).toEqual([128, 128, 128, 255]);
      expect(real).toEqual([200, 50, 20, 255]);
      await expect.poll(() => text(page, 'train-status'), SOON).toBe('Training … 2 warnings below.');
      await pause(page);
    },
    SLOW,
  );
});
