import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import { launchChromium } from '../../../scripts/web/chromium.mjs';
import { type Served, serve } from '../../../src/web/server/serve.ts';

/** A function that the page calls, which sees nothing of the test, or a text that it runs. */
export type Script = (() => void) | string;

/** A test file's browser. */
export interface Web {
  /** A fresh page; what it complains about fails the test. It is closed with the test. `init` runs in it before all else. */
  open(path?: string, options?: BrowserContextOptions & { init?: readonly Script[] }): Promise<Page>;
}

/** A browser and the page that it opens. */
interface Stage {
  browser: Browser;
  folder: string;
  server: Served;
}

/**
 * Tests in a real browser, on a page of this folder. If none can be started, they are skipped with the reason; if CI is
 * set, that is a failure.
 * @param prepare builds what is served into the folder that it is given
 */
export function describeInBrowser(
  name: string,
  prepare: (folder: string) => Promise<unknown>,
  tests: (web: Web) => void,
): void {
  let stage: Stage | undefined;
  let missing = '';
  const opened: Page[] = [];
  const complaints: string[] = [];

  const open: Web['open'] = async (path = '', { init = [], ...options } = {}) => {
    const { browser, server } = stage as Stage;
    const page = await (await browser.newContext(options)).newPage();
    for (const script of init) {
      await (typeof script === 'string' ? page.addInitScript(script) : page.addInitScript(script));
    }
    opened.push(page);
    // Also messages of workers, and WebGPU errors that nothing caught.
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
    await page.goto(server.url + path);
    return page;
  };

  describe(name, () => {
    beforeAll(async () => {
      const browser = await launchChromium().catch((error: Error) => {
        if (process.env.CI) throw error;
        missing = `no browser here: ${error.message.split('\n')[0]}`;
        return undefined;
      });
      if (browser) stage = await setStage(browser, prepare);
    }, 300_000);
    beforeEach(({ skip }) => skip(missing !== '', missing));
    afterEach(async () => {
      for (const page of opened.splice(0)) await page.context().close();
      expect(complaints.splice(0), 'what the browser complained about').toEqual([]);
    });
    afterAll(async () => {
      if (!stage) return;
      await stage.browser.close();
      await stage.server.close();
      rmSync(stage.folder, { recursive: true, force: true });
    });
    tests({ open });
  });
}

async function setStage(browser: Browser, prepare: (folder: string) => Promise<unknown>): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'pixtape-web-'));
  try {
    await prepare(folder);
    return { browser, folder, server: await serve({ folder, port: 0 }) };
  } catch (error) {
    await browser.close();
    throw error;
  }
}
