/**
 * Takes pictures of the page for the README, and of its other states for people who change it:
 *
 *     node scripts/web/screenshots.mjs              .github/pictures/web-paint.png and web-train.png
 *     node scripts/web/screenshots.mjs --all DIR    every state, light and dark, wide and narrow, into DIR
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { root, setup } from '../setup.mjs';
import { launchChromium } from './chromium.mjs';

await setup();
const { buildWeb } = await import('./build.mjs');
const { timeNetworks } = await import('./networks.mjs');

const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
/** What the page believes of its networks' time, so that pictures do not depend on the machine. */
const FAST = timeNetworks({ 64: 10, 128: 40 });
const SLOW = timeNetworks({ 64: 60, 128: 420 });
/** Seconds of training before its picture is taken. */
const LEARNING = Number(process.env.LEARNING_SECONDS ?? 300);

await buildWeb();
const server = await startDemo();
let browser;
try {
  const at = process.argv.indexOf('--all');
  if (at < 0) await forReadme(join(root, '.github', 'pictures'));
  else await everyState(process.argv[at + 1] ?? 'screenshots');
} finally {
  await browser?.close();
  server.child.kill();
}

/** Starts `pixtape demo` in a process of its own, and returns the link that it prints. */
function startDemo() {
  const child = spawn(process.execPath, [join(root, 'dist', 'pixtape.js'), 'demo', '--no-open', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((found, fail) => {
    let out = '';
    child.stdout.on('data', (text) => {
      out += text;
      const [url] = /http:\S+/.exec(out) ?? [];
      if (url) found({ child, url });
    });
    child.on('close', (code) => fail(new Error(`pixtape demo ended with ${code}: ${out}`)));
  });
}

/** Restarts the browser now and then: after a page that trained was closed, it sometimes takes no more pictures. */
async function freshBrowser() {
  await browser?.close();
  browser = await launchChromium();
}

async function forReadme(folder) {
  mkdirSync(folder, { recursive: true });
  await freshBrowser();
  await paint(WIDE, 'light', 'drawn', join(folder, 'web-paint.png'));
  await train({ width: 1280, height: 900 }, 'dark', LEARNING, { running: join(folder, 'web-train.png') });
}

async function everyState(folder) {
  mkdirSync(folder, { recursive: true });
  for (const [size, viewport] of Object.entries({ wide: WIDE, narrow: NARROW })) {
    for (const scheme of ['light', 'dark']) {
      await freshBrowser();
      const file = (state) => join(folder, `${state}-${size}-${scheme}.png`);
      await missing(viewport, scheme, file('no-webgpu'));
      for (const state of ['empty', 'drawn', 'small', 'keyboard', 'example', 'error', 'dropping']) {
        await paint(viewport, scheme, state, file(`paint-${state}`));
      }
      await train(viewport, scheme, 15, {
        idle: file('train-idle'),
        error: file('train-error'),
        compiling: file('train-compiling'),
        running: file('train-running'),
        paused: file('train-paused'),
      });
    }
  }
}

async function open(viewport, colorScheme, path = '', init = undefined) {
  const page = await (await browser.newContext({ viewport, colorScheme })).newPage();
  if (init) await page.addInitScript(init);
  await page.goto(server.url + path);
  return page;
}

async function missing(viewport, scheme, file) {
  const page = await open(viewport, scheme, '', () =>
    Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }),
  );
  await page.locator('#advice').waitFor();
  await take(page, file);
}

async function paint(viewport, scheme, state, file) {
  const page = await open(viewport, scheme, '', state === 'small' ? SLOW : FAST);
  await page.getByText(state === 'small' ? 'takes 420 ms' : '128 × 128 pixels').waitFor({ timeout: 120_000 });
  if (['drawn', 'small'].includes(state)) await drawFace(page);
  if (state === 'keyboard') await drawByKeys(page);
  if (state === 'example') await page.locator('.example').first().click();
  if (state === 'error') await drop(page, 'notes.txt');
  if (state === 'dropping') await page.evaluate(() => document.body.classList.add('dropping'));
  const answered = ['drawn', 'small', 'keyboard', 'example'].includes(state);
  if (answered) await page.getByText(/^\d+ ms$/).waitFor();
  // Skip the first answer: it takes longer than the others.
  if (answered) await page.waitForTimeout(1500);
  await take(page, file);
}

async function train(viewport, scheme, seconds, files) {
  const page = await open(viewport, scheme, '#train');
  await page.locator('#go').waitFor();
  if (files.idle) await take(page, files.idle, true);
  if (files.error) {
    await drop(page, 'notes.txt');
    await page.getByText(/^notes\.txt is no folder/).waitFor();
    await take(page, files.error, true);
  }
  await page.locator('#go').click();
  if (files.compiling) {
    await page.locator('#compiling').waitFor();
    await take(page, files.compiling, true);
  }
  await page.locator('#samples[data-step]').waitFor({ timeout: 120_000 });
  await page.waitForTimeout(seconds * 1000);
  await take(page, files.running, files.paused !== undefined);
  if (!files.paused) return page.context().close();
  await page.locator('#go').click();
  await page.locator('#train[data-phase=paused]').waitFor();
  await take(page, files.paused, true);
  await page.context().close();
}

/** Draws a face with the mouse. */
async function drawFace(page) {
  const box = await page.locator('#sketch').boundingBox();
  const to = (x, y) => [box.x + x * box.width, box.y + y * box.height];
  const stroke = async (points) => {
    await page.mouse.move(...to(...points[0]));
    await page.mouse.down();
    for (const point of points.slice(1)) await page.mouse.move(...to(...point));
    await page.mouse.up();
  };
  const arc = (cx, cy, r, from, till, n = 40) =>
    Array.from({ length: n + 1 }, (_, i) => {
      const angle = from + ((till - from) * i) / n;
      return [cx + r * Math.cos(angle), cy + r * Math.sin(angle)];
    });
  await stroke(arc(0.5, 0.5, 0.32, -1.6, 4.7));
  await stroke(arc(0.39, 0.43, 0.015, 0, 6.3, 12));
  await stroke(arc(0.61, 0.43, 0.015, 0, 6.3, 12));
  await stroke(arc(0.5, 0.52, 0.17, 0.35, 2.8));
}

/** Draws a box with the keys, and leaves the pen down. */
async function drawByKeys(page) {
  await page.locator('#sketch').focus();
  for (const key of ['Up', 'Space', 'Right', 'Down', 'Left']) {
    await page.keyboard.press(key === 'Space' ? key : `Shift+Arrow${key}`);
  }
}

async function drop(page, name) {
  const dataTransfer = await page.evaluateHandle((n) => {
    const data = new DataTransfer();
    data.items.add(new File(['text'], n));
    return data;
  }, name);
  await page.dispatchEvent('body', 'drop', { dataTransfer });
  await page.waitForTimeout(300);
}

/** Saves a PNG with a palette: a third of the bytes, with no visible difference. */
async function take(page, file, fullPage = false) {
  const picture = await page.screenshot({ fullPage });
  await sharp(picture).png({ palette: true, quality: 95, effort: 10 }).toFile(file);
  console.log(file);
  if (!fullPage && !page.url().endsWith('#train')) await page.context().close();
}
