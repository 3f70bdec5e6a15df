import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../../../scripts/web/chromium.mjs';
import { type Served, serve } from '../../../src/web/server/serve.ts';

/** What a test file has of its browser. */
export interface Web {
  browser: Browser;
  url: string;
  /** A fresh page; what it complains about fails the test. It is closed with the test. `init` runs in it before all else. */
  open(path?: string, options?: BrowserContextOptions & { init?: () => void }): Promise<Page>;
}

/**
 * Tests in a real browser, on a page of this folder's. Where none can be started they are skipped, with the reason in their
 * names; where CI is set that is a failure.
 * @param prepare builds what is served into the folder that it is given
 */
export async function describeInBrowser(
  name: string,
  prepare: (folder: string) => Promise<unknown>,
  tests: (web: Web) => void,
): Promise<void> {
  let browser: Browser;
  try {
    browser = await launchChromium();
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0] ?? '';
    if (process.env.CI) {
      it(`${name}: a browser starts`, () => {
        throw error;
      });
    } else {
      describe.skip(`${name} (no browser here: ${reason})`, () => tests({} as Web));
    }
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'pixtape-web-'));
  let server: Served;
  try {
    await prepare(folder);
    server = await serve({ folder, port: 0 });
  } catch (error) {
    await browser.close();
    throw error;
  }
  const opened: Page[] = [];
  const complaints: string[] = [];
  const open: Web['open'] = async (path = '', { init, ...options } = {}) => {
    const page = await (await browser.newContext(options)).newPage();
    if (init) await page.addInitScript(init);
    opened.push(page);
    // Also what workers say, and what the browser says of WebGPU errors that nobody caught.
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
    await page.goto(server.url + path);
    return page;
  };
  describe(name, () => {
    afterEach(async () => {
      for (const page of opened.splice(0)) await page.context().close();
      expect(complaints.splice(0), 'what the browser complained about').toEqual([]);
    });
    afterAll(async () => {
      await browser.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    });
    tests({ browser, url: server.url, open });
  });
}
