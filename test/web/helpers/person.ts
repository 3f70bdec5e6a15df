import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { zipSync } from 'fflate';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** What a user does on the page, and what they see. */

export const SLOW = 180_000;
export const SOON = { timeout: 60_000 };
export const text = (page: Page, id: string) => page.locator(`#${id}`).textContent();
export const ready = (page: Page) =>
  expect.poll(() => text(page, 'paint-status'), SOON).toMatch(/^(Ready|.* lies on the canvas)/);
export const stepOf = async (page: Page) => Number((await text(page, 'fact-step'))?.replaceAll(',', ''));
export const phase = (page: Page) => page.locator('#train').getAttribute('data-phase');

/** The prediction's pixels, RGBA, at the shipped network's size. */
export const answer = (page: Page) =>
  page.evaluate(() => {
    const small = new OffscreenCanvas(64, 64).getContext('2d') as OffscreenCanvasRenderingContext2D;
    small.drawImage(document.getElementById('answer') as HTMLCanvasElement, 0, 0, 64, 64);
    return [...small.getImageData(0, 0, 64, 64).data];
  });

/** Waits for a prediction other than `before`, for the current drawing. */
export async function otherAnswer(page: Page, before: readonly number[]): Promise<number[]> {
  await expect.poll(async () => differs(await answer(page), before), SOON).toBe(true);
  await expect.poll(() => page.locator('#answer').getAttribute('aria-busy'), SOON).toBe('false');
  return answer(page);
}
export const differs = (a: readonly number[], b: readonly number[]) => a.some((value, i) => value !== b[i]);

export async function drawStroke(page: Page, y: number): Promise<void> {
  const box = await page.locator('#sketch').boundingBox();
  if (!box) throw new Error('the sketch is not there');
  await page.mouse.move(box.x + 0.3 * box.width, box.y + y * box.height);
  await page.mouse.down();
  for (let i = 1; i <= 8; i++) await page.mouse.move(box.x + (0.3 + 0.05 * i) * box.width, box.y + y * box.height);
  await page.mouse.up();
}

/** A call from the page to its worker, in Comlink's format. */
export interface Call {
  id: string;
  path?: string[];
  argumentList?: { value: unknown }[];
}

/** Keeps the pixels that the page sends to its worker, RGBA. */
export function watchCondition(): void {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (this: Worker, call: Call, ...rest: never[]) {
    if (call.path?.[0] === 'paint') Object.assign(globalThis, { condition: call.argumentList?.[0]?.value });
    return post.call(this, call, ...rest);
  };
}

/**
 * The difference between the network's input and the drawing on the screen, resized to match: the mean over bytes, and
 * the corner.
 */
export const conditionError = (page: Page) =>
  page.evaluate(() => {
    const { condition } = globalThis as unknown as { condition: Uint8ClampedArray };
    const small = new OffscreenCanvas(64, 64).getContext('2d') as OffscreenCanvasRenderingContext2D;
    small.imageSmoothingQuality = 'high';
    small.drawImage(document.getElementById('sketch') as HTMLCanvasElement, 0, 0, 64, 64);
    const want = small.getImageData(0, 0, 64, 64).data;
    const mean = condition.reduce((sum, value, i) => sum + Math.abs(value - (want[i] as number)), 0) / condition.length;
    const dark = condition.filter((value, i) => i % 4 === 0 && value < 128).length;
    return { mean, dark, corner: condition.at(-2) };
  });

export async function drop(page: Page, files: Record<string, Buffer | string>): Promise<void> {
  const given = Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')] as const);
  const dataTransfer = await page.evaluateHandle((list) => {
    const data = new DataTransfer();
    for (const [name, base64] of list) {
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
    }
    return data;
  }, given);
  await page.dispatchEvent('body', 'drop', { dataTransfer });
}

/** Drops files and folders on the page as the system's windows do: as entries to walk through. */
export async function dropPaths(page: Page, files: string[]): Promise<void> {
  await page.locator('#views').waitFor();
  const cdp = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await cdp.send('Input.dispatchDragEvent', { type, x: 200, y: 200, data });
    if (type === 'dragOver') await expect.poll(() => page.locator('.drop-note').isVisible(), SOON).toBe(true);
  }
}

/** Presses a button and answers the dialog that it opens. */
export async function choose(page: Page, id: string, files: string | string[]): Promise<void> {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.locator(`#${id}`).click()]);
  await chooser.setFiles(files);
}

export async function save(page: Page, to: string): Promise<void> {
  const [file] = await Promise.all([page.waitForEvent('download', SOON), page.locator('#save').click()]);
  expect(file.suggestedFilename()).toBe('latest.safetensors');
  mkdirSync(dirname(to), { recursive: true });
  await file.saveAs(to);
}

export async function pause(page: Page): Promise<number> {
  await page.locator('#go').click();
  await expect.poll(() => phase(page), SOON).toBe('paused');
  return stepOf(page);
}

/** Loses the device as WebGPU does, from inside the worker. */
export async function destroyDevice(page: Page, worker: string): Promise<void> {
  const found = page.workers().find((w) => w.url().endsWith(worker));
  await found?.evaluate(() => {
    (globalThis as unknown as { pixtape: { device: { destroy(): void } } }).pixtape.device.destroy();
  });
}

/** The longest task above 50 ms of the page's main thread within this many milliseconds; 0 if there is none. */
export function longestTask(page: Page, milliseconds: number): Promise<number> {
  return page.evaluate(
    (ms) =>
      new Promise<number>((resolve) => {
        let longest = 0;
        const observer = new PerformanceObserver((list) => {
          for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
        });
        observer.observe({ type: 'longtask' });
        setTimeout(() => {
          observer.disconnect();
          resolve(longest);
        }, ms);
      }),
    milliseconds,
  );
}

/** Zips a folder, with the files that macOS adds to its archives. */
export function zipped(from: string, to: string): string {
  const files = readdirSync(from).map((name) => [`pairs/${name}`, readFileSync(join(from, name))] as const);
  writeFileSync(to, zipSync({ ...Object.fromEntries(files), '__MACOSX/pairs/._pair0.png': new Uint8Array(4) }));
  return to;
}
