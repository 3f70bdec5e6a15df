import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { buildWeb } from '../../scripts/build_web.mjs';
import { loadEmojis } from '../../src/data/openmoji.ts';
import { build, pixtape, writePairs } from '../cli/command.ts';
import { temporaryFolders } from '../train/tiny.ts';
import { describeInBrowser, type Web } from './browser.ts';
import { runInNode } from './bundle.ts';

/** The page as a person uses it: drawing, training, files in and out, and a device that is lost. */

const SLOW = 180_000;
const SOON = { timeout: 60_000 };
const text = (page: Page, id: string) => page.locator(`#${id}`).textContent();
const ready = (page: Page) =>
  expect.poll(() => text(page, 'paint-status'), SOON).toMatch(/^(Ready|.* lies on the canvas)/);
const stepOf = async (page: Page) => Number((await text(page, 'fact-step'))?.replaceAll(',', ''));
const phase = (page: Page) => page.locator('#train').getAttribute('data-phase');

/** The answer's pixels, RGBA. */
const answer = (page: Page) =>
  page.evaluate(() => {
    const canvas = document.getElementById('answer') as HTMLCanvasElement;
    return [...(canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [])];
  });

/** Waits for an answer other than `before`, to the drawing as it is. */
async function otherAnswer(page: Page, before: readonly number[]): Promise<number[]> {
  await expect.poll(async () => differs(await answer(page), before), SOON).toBe(true);
  await expect.poll(() => page.locator('#answer').getAttribute('aria-busy'), SOON).toBe('false');
  return answer(page);
}
const differs = (a: readonly number[], b: readonly number[]) => a.some((value, i) => value !== b[i]);

async function drawStroke(page: Page, y: number): Promise<void> {
  const box = await page.locator('#sketch').boundingBox();
  if (!box) throw new Error('the sketch is not there');
  await page.mouse.move(box.x + 0.3 * box.width, box.y + y * box.height);
  await page.mouse.down();
  for (let i = 1; i <= 8; i++) await page.mouse.move(box.x + (0.3 + 0.05 * i) * box.width, box.y + y * box.height);
  await page.mouse.up();
}

/** Keeps what the page gives its worker to paint, RGBA. */
function watchCondition(): void {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (this: Worker, message: { name: string; args: unknown[] }, ...rest: never[]) {
    if (message.name === 'paint') Object.assign(globalThis, { condition: message.args[0] });
    return post.call(this, message, ...rest);
  };
}

/** How far what the network sees is off the drawing on the screen, made as small: the mean over bytes, and the corner. */
const conditionError = (page: Page) =>
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

async function drop(page: Page, files: Record<string, Buffer | string>): Promise<void> {
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

/** Presses a button and answers the dialogue that it opens. */
async function choose(page: Page, id: string, files: string | string[]): Promise<void> {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.locator(`#${id}`).click()]);
  await chooser.setFiles(files);
}

async function save(page: Page, to: string): Promise<void> {
  const [file] = await Promise.all([page.waitForEvent('download', SOON), page.locator('#save').click()]);
  expect(file.suggestedFilename()).toBe('latest.safetensors');
  mkdirSync(dirname(to), { recursive: true });
  await file.saveAs(to);
}

async function pause(page: Page): Promise<number> {
  await page.locator('#go').click();
  await expect.poll(() => phase(page), SOON).toBe('paused');
  return stepOf(page);
}

/** As WebGPU itself loses it: from inside the worker. */
async function destroyDevice(page: Page, worker: string): Promise<void> {
  const found = page.workers().find((w) => w.url().endsWith(worker));
  await found?.evaluate(() => {
    (globalThis as unknown as { pixtape: { device: { destroy(): void } } }).pixtape.device.destroy();
  });
}

const folder = temporaryFolders();
beforeAll(build);

it(
  'the examples are pictures that were held out',
  async () => {
    const { emojis, test } = await loadEmojis({ width: 64, height: 64, warn: () => undefined });
    const heldOut = new Map(test.map((i) => [emojis[i]?.hexcode, emojis[i]?.annotation]));
    const examples = JSON.parse(readFileSync('src/web/assets/examples.json', 'utf8'));
    expect(examples.length).toBeGreaterThan(5);
    for (const { hexcode, name } of examples) expect(heldOut.get(hexcode), hexcode).toBe(name);
  },
  SLOW,
);

await describeInBrowser('the page', buildWeb, ({ open }: Web) => {
  it(
    'paints what is drawn; undo, clear, eraser and the brush by mouse and keyboard',
    async () => {
      const page = await open('', { init: watchCondition });
      await ready(page);
      const blank = await answer(page);
      expect(await page.locator('#undo').isDisabled()).toBe(true);
      await drawStroke(page, 0.4);
      const one = await otherAnswer(page, blank);
      const seen = await conditionError(page);
      expect(seen.mean).toBeLessThan(3);
      // A line 2 units wide and 29 long, and white to the last corner.
      expect(seen.dark).toBeGreaterThan(30);
      expect(seen.dark).toBeLessThan(80);
      expect(seen.corner).toBe(255);
      expect(await text(page, 'latency')).toMatch(/^\d+ ms$/);
      await drawStroke(page, 0.7);
      const two = await otherAnswer(page, one);
      await page.keyboard.press('Control+z');
      await expect.poll(async () => differs(await answer(page), one), SOON).toBe(false);
      const brush = page.locator('#brush');
      const width = Number(await brush.inputValue());
      await page.keyboard.press(']');
      await page.keyboard.press(']');
      await page.keyboard.press('[');
      expect(Number(await brush.inputValue())).toBe(width + 0.5);
      await page.keyboard.press('e');
      expect(await page.locator('#eraser').getAttribute('aria-pressed')).toBe('true');
      await drawStroke(page, 0.4);
      expect(differs(await otherAnswer(page, one), two)).toBe(true);
      await page.locator('#clear').click();
      expect(await page.locator('#answer-hint').isVisible()).toBe(true);
      expect(differs(await answer(page), blank)).toBe(false);
      await page.keyboard.press('Control+z');
      await otherAnswer(page, blank);
    },
    SLOW,
  );

  it(
    'a finger draws too',
    async () => {
      const page = await open('', { hasTouch: true, viewport: { width: 390, height: 844 } });
      await ready(page);
      const blank = await answer(page);
      const cdp = await page.context().newCDPSession(page);
      const box = await page.locator('#sketch').boundingBox();
      const at = (x: number) => [{ x: (box?.x ?? 0) + x, y: (box?.y ?? 0) + 100, force: 0.7 }];
      await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(60) });
      for (let x = 70; x <= 160; x += 10) {
        await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(x) });
      }
      await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
      await otherAnswer(page, blank);
      // Nothing sticks out to the side.
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    },
    SLOW,
  );

  it(
    'examples, pictures and bad files; the tabs by keyboard',
    async () => {
      const page = await open();
      await ready(page);
      const blank = await answer(page);
      await page.locator('.example').first().focus();
      await page.keyboard.press('Enter');
      const example = await otherAnswer(page, blank);
      await drop(page, { 'notes.txt': 'no picture' });
      await expect.poll(() => text(page, 'paint-status'), SOON).toMatch(/^notes\.txt is no picture/);
      await drop(page, { 'weights.safetensors': 'no checkpoint either' });
      await expect.poll(() => text(page, 'paint-status'), SOON).toMatch(/^weights\.safetensors is/);
      expect(await page.locator('#paint-status').getAttribute('data-kind')).toBe('error');
      const [pair] = [readFileSync(join(writePairs(folder(), 1), 'pair0.png'))];
      await drop(page, { 'pair.png': pair });
      await otherAnswer(page, example);
      expect(await text(page, 'paint-status')).toBe('pair.png lies on the canvas.');
      await page.locator('#tab-paint').focus();
      await page.keyboard.press('ArrowRight');
      expect(await page.locator('#train').isVisible()).toBe(true);
      expect(await page.locator('#tab-train').getAttribute('aria-selected')).toBe('true');
      await drop(page, { 'notes.txt': 'no pairs' });
      await expect.poll(() => text(page, 'train-status'), SOON).toMatch(/^notes\.txt is no folder/);
      await drop(page, { 'pairs.zip': 'no zip' });
      await page.locator('#go').click();
      await expect.poll(() => text(page, 'train-status'), SOON).toMatch(/^pairs\.zip is no zip archive/);
      expect(await phase(page)).toBe('idle');
    },
    SLOW,
  );

  it(
    'goes on painting when its device is lost',
    async () => {
      const page = await open();
      await ready(page);
      await drawStroke(page, 0.4);
      const before = await otherAnswer(page, []);
      await destroyDevice(page, 'paint.js');
      await drawStroke(page, 0.6);
      await expect.poll(() => text(page, 'paint-status'), SOON).toMatch(/device was lost/);
      await otherAnswer(page, before);
    },
    SLOW,
  );

  it(
    'trains on the emoji without holding up the page, pauses, goes on, and paints with the result',
    async () => {
      const page = await open('#train');
      await page.locator('#go').click();
      await expect.poll(() => stepOf(page), { timeout: 120_000 }).toBeGreaterThan(1);
      // Windows of a few seconds: one without a long task will do, since other processes on the machine make some too. A page
      // that computes by itself has long ones in each.
      const longest: number[] = [];
      while (longest.length < 4 && !longest.includes(0)) longest.push(await longestTask(page, 4000));
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
    },
    SLOW,
  );

  it(
    'a checkpoint goes from Node to the page and back, bit for bit',
    async () => {
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

      // And the other way round once more, into the Paint tab.
      await page.locator('#tab-paint').click();
      await choose(page, 'load-model', join(run, 'latest.safetensors'));
      await expect.poll(() => text(page, 'model'), SOON).toContain(`${steps + 2} training steps`);
    },
    SLOW,
  );

  it(
    'takes a zip, and goes on from its last state when the device is lost',
    async () => {
      const home = folder();
      const page = await open('#train');
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
    },
    SLOW,
  );

  it('says what to do where there is no WebGPU', async () => {
    const init = () => void Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined });
    const page = await open('', { init });
    await expect.poll(() => page.locator('#advice').isVisible(), SOON).toBe(true);
    expect(await text(page, 'advice-title')).toBe('This Chrome has no WebGPU yet');
    expect(await page.locator('#advice-steps li').count()).toBeGreaterThan(1);
    expect(await page.locator('#views').isVisible()).toBe(false);
  });
});

/** The longest task of the page's main thread above 50 ms in so many milliseconds; 0 for none. */
function longestTask(page: Page, milliseconds: number): Promise<number> {
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

async function zipped(from: string, to: string): Promise<string> {
  const { zipSync } = await import('fflate');
  const { readdirSync } = await import('node:fs');
  const files = readdirSync(from).map((name) => [`pairs/${name}`, readFileSync(join(from, name))] as const);
  writeFileSync(to, zipSync({ ...Object.fromEntries(files), '__MACOSX/pairs/._pair0.png': new Uint8Array(4) }));
  return to;
}
