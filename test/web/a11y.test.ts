/** @module-tag long */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { describePage } from './helpers/page.ts';
import {
  answer,
  differs,
  drawStroke,
  drop,
  otherAnswer,
  pause,
  ready,
  SLOW,
  SOON,
  stepOf,
  text,
} from './helpers/person.ts';

/** For users who do not see the page, see little of it, or use no mouse. */

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Axe's findings on the current page: WCAG 2.2 A and AA, and its own best practices. */
async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
  return page.evaluate(async () => {
    type Found = { violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[] };
    const { run } = (globalThis as unknown as { axe: { run(on: Document, how: object): Promise<Found> } }).axe;
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const found = await run(document, { runOnly: tags, resultTypes: ['violations'] });
    return found.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')}: ${failureSummary}`),
    );
  });
}

/** Records each text that a live region gets. */
async function listen(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const said: string[] = [];
    Object.assign(globalThis, { said });
    const live =
      '[aria-live]:not([aria-live=off]), [role=status]:not([aria-live=off]), [role=alert], [role=log], output';
    for (const region of document.querySelectorAll<HTMLElement>(live)) {
      if (region.ariaLive === 'off') continue;
      new MutationObserver(() => said.push(region.textContent)).observe(region, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    }
  });
  return () => page.evaluate(() => (globalThis as unknown as { said: string[] }).said.splice(0));
}

/** The contrast of two colours as WCAG defines it. */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const channels = [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16) / 255);
    const [r = 0, g = 0, blue = 0] = channels.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

describePage('the page for everybody', (open) => {
  it.each(['light', 'dark'] as const)(
    'axe finds nothing wrong in any state, %s',
    async (colorScheme) => {
      const page = await open('', { colorScheme });
      const clean = async (state: string) => expect(await violations(page), state).toEqual([]);
      await ready(page);
      await clean('nothing drawn');
      await drawStroke(page, 0.4);
      await expect.poll(() => text(page, 'latency'), SOON).toMatch(/ms$/);
      await page.locator('#sketch').focus();
      await page.keyboard.press('ArrowLeft');
      await clean('drawn, the keyboard in the drawing');
      await drop(page, { 'notes.txt': 'no picture' });
      await expect.poll(() => text(page, 'paint-status'), SOON).toMatch(/^notes\.txt/);
      await clean('an error in Paint');
      await page.locator('#tab-train').click();
      expect(await page.locator('#compiling').isVisible()).toBe(false);
      await clean('before training');
      await drop(page, { 'pairs.zip': 'no zip' });
      await page.locator('#go').click();
      await expect.poll(() => text(page, 'train-status'), SOON).toMatch(/no zip archive/);
      await clean('an error in Train');
      await page.locator('#openmoji').check();
      await page.locator('#hidden').selectOption('4');
      await page.locator('#go').click();
      await expect.poll(() => page.locator('#compiling').isVisible(), SOON).toBe(true);
      await clean('compiling');
      await expect.poll(() => page.locator('#samples canvas').count(), { timeout: 90_000 }).toBe(12);
      await expect.poll(() => stepOf(page), SOON).toBeGreaterThan(0);
      expect(await page.locator('#compiling').isVisible()).toBe(false);
      await clean('training');
      await pause(page);
      await clean('paused');
    },
    SLOW,
  );

  it('axe finds nothing wrong without WebGPU', async () => {
    const init = () => void Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined });
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open('', { init, colorScheme });
      await page.locator('#advice').waitFor();
      expect(await violations(page)).toEqual([]);
      const advice = await page.locator('#advice').ariaSnapshot();
      expect(advice).toContain('heading "This Chrome has no WebGPU yet" [level=2]');
      expect(advice).toContain('- list:\n');
      // Proves that axe works: it finds unreadable text.
      const faint = 'color-mix(in srgb, var(--text) 30%, var(--card))';
      await page.evaluate((colour) => document.body.style.setProperty('--quiet', colour), faint);
      expect((await violations(page)).join('\n')).toContain('color-contrast');
    }
  });

  it(
    'has names, roles and an order that make sense without seeing it',
    async () => {
      const page = await open('', { viewport: { width: 1280, height: 900 } });
      await ready(page);
      expect(await page.locator('header').ariaSnapshot()).toBe(`\
- banner:
  - heading "pixtape" [level=1]
  - paragraph: Pix2Pix on your own GPU. Nothing leaves this machine.
  - tablist "What to do":
    - tab "Paint" [selected]
    - tab "Train"`);
      const paint = await page.locator('#views').ariaSnapshot();
      for (const part of [
        'tabpanel "Paint"',
        'heading "Your drawing" [level=2]',
        'application "Your drawing"',
        'img "The network\'s answer to your drawing"',
        'group "Drawing tools"',
        'button "Pen" [pressed]',
        'slider "Brush"',
        'button "Undo" [disabled]',
        'status: "Ready: draw, or take an example."',
        'button "winking face with tongue"',
      ]) {
        expect(paint).toContain(part);
      }
      const described = page.locator('#sketch');
      expect(await text(page, (await described.getAttribute('aria-describedby')) ?? '')).toMatch(/Arrow keys.*Space/);
      await page.locator('#tab-train').click();
      const train = await page.locator('#views').ariaSnapshot();
      for (const part of [
        'tabpanel "Train"',
        'group "Pictures"',
        'radio "OpenMoji line drawings to colour" [checked]',
        'combobox "Picture size"',
        'group "Epochs"',
        'spinbutton "At the full learning rate": "100"',
        'spinbutton "Then, falling to zero": "0"',
        'button "Start"',
        'term: images/s',
        'img "Mean difference from the real pictures: nothing yet"',
      ]) {
        expect(train).toContain(part);
      }
    },
    SLOW,
  );

  it(
    'the focus goes in reading order and is seen',
    async () => {
      const page = await open();
      await ready(page);
      const order: string[] = [];
      for (let i = 0; i < 30; i++) {
        await page.keyboard.press('Tab');
        const { name, outline } = await page.evaluate(() => {
          const at = document.activeElement as HTMLElement;
          const { outlineStyle, outlineWidth } = getComputedStyle(at);
          return { name: at.id || at.className || at.tagName, outline: `${outlineStyle} ${outlineWidth}` };
        });
        if (name === 'BODY') break;
        order.push(name);
        expect(outline, name).toBe('solid 3px');
      }
      // With Tab, only the first of the examples is reached.
      expect(order.filter((name, i) => name !== order[i - 1])).toEqual(
        'tab-paint sketch pen eraser brush undo clear load-picture load-model example A'.split(' '),
      );
    },
    SLOW,
  );

  it(
    'the keyboard draws, and letters count only there',
    async () => {
      const page = await open();
      await ready(page);
      const said = await listen(page);
      const blank = await answer(page);
      await page.locator('#sketch').focus();
      for (const key of ['Shift+ArrowLeft', ' ', 'ArrowRight', 'ArrowRight', 'Shift+ArrowDown', 'Shift+ArrowRight']) {
        await page.keyboard.press(key);
      }
      await page.keyboard.press('Escape');
      await page.waitForTimeout(1000);
      const one = await otherAnswer(page, blank);
      await page.keyboard.press('ArrowUp');
      await page.waitForTimeout(1000);
      expect(await said()).toEqual([
        'Pen down, 36 % across, 50 % down.',
        'Pen up, 56 % across, 64 % down.',
        'Pen up, 56 % across, 61 % down.',
      ]);
      expect(differs(await answer(page), one)).toBe(false);
      await page.keyboard.press('e');
      expect(await page.locator('#eraser').getAttribute('aria-pressed')).toBe('true');
      await page.locator('.example').first().focus();
      await page.keyboard.press('p');
      expect(await page.locator('#eraser').getAttribute('aria-pressed')).toBe('true');
    },
    SLOW,
  );

  it(
    'says little while much happens: nothing at each answer, shader or step',
    async () => {
      const page = await open();
      await ready(page);
      const said = await listen(page);
      for (const y of [0.3, 0.5, 0.7]) await drawStroke(page, y);
      await expect.poll(() => text(page, 'latency'), SOON).toMatch(/ms$/);
      expect(await said()).toEqual([]);
      await page.locator('#tab-train').click();
      await page.locator('#hidden').selectOption('4');
      await page.locator('#go').focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => stepOf(page), { timeout: 90_000 }).toBeGreaterThan(1);
      // While disabled, it has kept the focus.
      expect(await page.evaluate(() => document.activeElement?.id)).toBe('go');
      await pause(page);
      const [last, ...rest] = (await said()).reverse();
      expect(last).toMatch(/^Paused after step/);
      expect(rest).toEqual(['Training …', 'Compiling shaders …', 'Fetching the emoji …']);
    },
    SLOW,
  );

  it('colours other than text have contrast, too: 3 to 1 in both themes', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open('', { colorScheme });
      const colours = await page.evaluate(() => {
        const style = getComputedStyle(document.documentElement);
        const names = ['page', 'card', 'accent', 'second', 'third', 'edge', 'on-accent'];
        return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`)]));
      });
      const { page: back = '', card = '' } = colours;
      for (const name of ['accent', 'second', 'third', 'edge']) {
        for (const behind of [back, card]) {
          expect(contrast(colours[name] ?? '', behind), `${name} on ${behind}`).toBeGreaterThan(3);
        }
      }
      expect(contrast(colours.accent ?? '', colours['on-accent'] ?? '')).toBeGreaterThan(4.5);
    }
  });

  it('fits 320 pixels, and nothing moves by itself', async () => {
    const page = await open('', { viewport: { width: 320, height: 640 }, reducedMotion: 'reduce' });
    await ready(page);
    for (const tab of ['#tab-paint', '#tab-train']) {
      await page.locator(tab).click();
      expect(await page.evaluate(() => document.documentElement.scrollWidth), tab).toBeLessThanOrEqual(320);
      const moving = await page.evaluate(() =>
        [...document.querySelectorAll('*')].flatMap((element) => {
          const { transitionDuration, animationName } = getComputedStyle(element);
          return transitionDuration === '0s' && animationName === 'none' ? [] : [element.id || element.className];
        }),
      );
      expect(moving).toEqual([]);
      expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
    }
  });
});
