import type { BrowserContextOptions, Page } from 'playwright-core';
import { buildWeb } from '../../../scripts/web/build.mjs';
import { timeNetworks } from '../../../scripts/web/networks.mjs';
import { describeInBrowser } from './browser.ts';

interface Options extends BrowserContextOptions {
  /** Runs in the page before all else. */
  init?: () => void;
  /**
   * How many milliseconds an answer takes by the networks that come with the page, by their width. Unless given, the small
   * one is so slow that the page keeps it, and does not fetch the large one.
   */
  answers?: Partial<Record<64 | 128, number>>;
}

/** Opens the page itself; see `Web` for the rest. */
export type Open = (path?: string, options?: Options) => Promise<Page>;

/** Tests of pixtape's own page in a real browser, as `describeInBrowser` runs them. */
export function describePage(name: string, tests: (open: Open) => void): void {
  describeInBrowser(name, buildWeb, ({ open }) => {
    tests((path, { init, answers = { 64: 1000 }, ...options } = {}) => {
      const timed = timeNetworks(answers);
      return open(path, { ...options, init: init ? [timed, init] : [timed] });
    });
  });
}
