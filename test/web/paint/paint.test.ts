import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadEmojis } from '../../../src/pix2pix/data/sources/emoji/openmoji.ts';
import { writePairs } from '../../cli/command.ts';
import { temporaryFolders } from '../../pix2pix/train/tiny.ts';
import { describePage } from '../helpers/page.ts';
import {
  answer,
  conditionError,
  destroyDevice,
  differs,
  drawStroke,
  drop,
  otherAnswer,
  phase,
  ready,
  SLOW,
  SOON,
  text,
  watchCondition,
} from '../helpers/person.ts';

/** The Paint view as a user operates it. */

const folder = temporaryFolders();

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

describePage('the Paint view', (open) => {
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
      // A line 2 units wide and 29 long, and white up to the last corner.
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

  it('a finger draws, too', { tags: 'long', timeout: SLOW }, async () => {
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
    await page.locator('.example').last().click();
    // Far down the page; drawing and prediction scroll back into view.
    const inSight = async (id: string) => {
      const { y = -1, height = 0 } = (await page.locator(id).boundingBox()) ?? {};
      return y >= 0 && y + height <= 844;
    };
    await expect.poll(async () => (await inSight('#sketch')) && (await inSight('#answer')), SOON).toBe(true);
    // Nothing overflows sideways.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  });

  it('examples, pictures and bad files; the tabs by keyboard', { tags: 'long', timeout: SLOW }, async () => {
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
  });

  it('keeps predicting when its device is lost', { tags: 'long', timeout: SLOW }, async () => {
    const page = await open();
    await ready(page);
    await drawStroke(page, 0.4);
    const before = await otherAnswer(page, []);
    await destroyDevice(page, 'paint.js');
    await drawStroke(page, 0.6);
    await expect.poll(() => text(page, 'paint-status'), SOON).toMatch(/device was lost/);
    await otherAnswer(page, before);
  });

  it('says what to do if there is no WebGPU', async () => {
    const init = () => void Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined });
    const page = await open('', { init });
    await expect.poll(() => page.locator('#advice').isVisible(), SOON).toBe(true);
    expect(await text(page, 'advice-title')).toBe('This Chrome has no WebGPU yet');
    expect(await page.locator('#advice-steps li').count()).toBeGreaterThan(1);
    expect(await page.locator('#views').isVisible()).toBe(false);
  });
});
