/** @module-tag long */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { decodeSafetensors } from '../../../src/engine/util/safetensors.ts';
import { decodeHeader } from '../../../src/pix2pix/train/checkpoint/state.ts';
import { describePage } from '../helpers/page.ts';
import { answer, destroyDevice, drawStroke, drop, otherAnswer, ready, SLOW, SOON, text } from '../helpers/person.ts';

/** Which of the networks that come with the page paints. */

const LARGE = 'paint-128.safetensors';
const shipped = (width: number) =>
  readFileSync(resolve(import.meta.dirname, '..', '..', '..', 'src', 'web', 'assets', `paint-${width}.safetensors`));

it.each([64, 128])('the one %d pixels wide comes with its weights in half precision, below 4 MB', (width) => {
  const bytes = shipped(width);
  const { metadata, tensors } = decodeSafetensors(new Uint8Array(bytes), `${width}`);
  expect(decodeHeader(metadata, `${width}`).config).toMatchObject({ width, height: width });
  const weights = [...tensors.values()].filter(({ shape }) => shape.length > 1);
  expect(new Set(weights.map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
  expect(bytes.length).toBeLessThan(4e6);
});

interface Watched {
  /** What the page has fetched. */
  fetched: string[];
  /** Widths of the networks that a worker has loaded. */
  loaded: number[];
  /** Lets the large network arrive. */
  release(): void;
}

/** Holds the large network back until it is released. */
function holdLarge(): void {
  const fetched: string[] = [];
  const loaded: number[] = [];
  const fetchNow = globalThis.fetch;
  const released = new Promise<void>((release) => Object.assign(globalThis, { watched: { fetched, loaded, release } }));
  globalThis.fetch = async (file, options) => {
    fetched.push(String(file));
    if (String(file) === 'paint-128.safetensors') await released;
    return fetchNow(file, options);
  };
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      this.addEventListener('message', ({ data: { value } }) => {
        if (value?.milliseconds !== undefined) loaded.push(value.width);
      });
    }
  };
}

function loseLarge(): void {
  const fetchNow = globalThis.fetch;
  globalThis.fetch = async (file, options) => {
    return String(file) === 'paint-128.safetensors' ? new Response('', { status: 404 }) : fetchNow(file, options);
  };
}

const watched = (page: Page) => page.evaluate(() => (globalThis as unknown as { watched: Watched }).watched);
const release = (page: Page) => page.evaluate(() => (globalThis as unknown as { watched: Watched }).watched.release());
const painters = (page: Page) => page.workers().filter((worker) => worker.url().endsWith('paint.js')).length;
const note = (page: Page) => text(page, 'network-note');

describePage('the networks that come with the page', (open) => {
  it(
    'draws with the small one at once, and with the large one as soon as no stroke is being drawn',
    async () => {
      const page = await open('', { init: holdLarge, answers: { 64: 10, 128: 150 } });
      await ready(page);
      await drawStroke(page, 0.3);
      await otherAnswer(page, await answer(page));
      const { x = 0, y = 0 } = (await page.locator('#sketch').boundingBox()) ?? {};
      await page.mouse.move(x + 50, y + 50);
      await page.mouse.down();
      await page.mouse.move(x + 100, y + 150);
      await release(page);
      await expect.poll(async () => (await watched(page)).loaded, SOON).toEqual([64, 128]);
      await page.mouse.move(x + 150, y + 80);
      await page.waitForTimeout(500);
      expect(await text(page, 'model')).toMatch(/^Network: the small one .* 64 × 64 pixels/);
      const bySmall = await answer(page);
      await page.mouse.up();
      await expect.poll(() => text(page, 'model'), SOON).toMatch(/^Network: the large one .* 128 × 128 pixels/);
      const byLarge = await otherAnswer(page, bySmall);
      await page.locator('#undo').click();
      await otherAnswer(page, byLarge);
      expect(await note(page)).toBe('');
      await expect.poll(() => painters(page), SOON).toBe(1);
      expect((await watched(page)).fetched).toEqual(['paint-64.safetensors', LARGE]);
      await destroyDevice(page, 'paint.js');
      const before = await answer(page);
      await drawStroke(page, 0.6);
      await otherAnswer(page, before);
    },
    SLOW,
  );

  it(
    'keeps the small one where the large one answers too slowly, and says so',
    async () => {
      const page = await open('', { answers: { 64: 10, 128: 151 } });
      await ready(page);
      await expect
        .poll(() => note(page), SOON)
        .toMatch(/^The small network paints here.*takes 151 ms on this device\.$/);
      await expect.poll(() => painters(page), SOON).toBe(1);
      expect(await text(page, 'model')).toContain('64 × 64 pixels');
      await destroyDevice(page, 'paint.js');
      const blank = await answer(page);
      await drawStroke(page, 0.6);
      await otherAnswer(page, blank);
      expect(await text(page, 'paint-status')).toMatch(/device was lost/);
    },
    SLOW,
  );

  it(
    'does not even fetch the large one where the small one is slow',
    async () => {
      const page = await open('', { init: holdLarge, answers: { 64: 151 } });
      await ready(page);
      expect(await note(page)).toBe('The small network paints here, so that answers keep up with your hand.');
      expect((await watched(page)).fetched).toEqual(['paint-64.safetensors']);
    },
    SLOW,
  );

  it(
    'goes on with the small one where the large one cannot be had',
    async () => {
      const page = await open('', { init: loseLarge, answers: { 64: 10, 128: 10 } });
      await ready(page);
      await expect.poll(() => note(page), SOON).toMatch(/could not be opened: .*the server answers 404$/);
      expect(await page.locator('#paint-status').getAttribute('data-kind')).toBe('quiet');
    },
    SLOW,
  );

  it.each(['before the large one has arrived', 'while it is being tried'])(
    'a checkpoint of the visitor’s stays: dropped %s',
    async (moment) => {
      const page = await open('', { init: holdLarge, answers: { 64: 10, 128: 10 } });
      await ready(page);
      const early = moment.startsWith('before');
      if (!early) {
        await release(page);
        await expect.poll(() => painters(page), SOON).toBe(2);
      }
      await drop(page, { 'mine.safetensors': shipped(64) });
      await expect.poll(() => text(page, 'model'), SOON).toMatch(/^Network: mine\.safetensors/);
      if (early) await release(page);
      await page.waitForTimeout(1000);
      await expect.poll(() => painters(page), SOON).toBe(1);
      expect((await watched(page)).loaded).toEqual([64, 64]);
      expect(await text(page, 'model')).toMatch(/^Network: mine\.safetensors/);
      expect(await note(page)).toBe('');
    },
    SLOW,
  );

  it(
    'what is drawn while a checkpoint of another size is being loaded is painted by that one',
    async () => {
      const page = await open();
      await ready(page);
      const blank = await answer(page);
      await drop(page, { 'mine.safetensors': shipped(128) });
      await drawStroke(page, 0.5);
      await expect.poll(() => text(page, 'model'), SOON).toMatch(/^Network: mine\.safetensors.* 128 × 128 pixels/);
      await otherAnswer(page, blank);
      expect(await text(page, 'paint-status')).toBe('Ready: draw, or take an example.');
    },
    SLOW,
  );
});
