import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { buildWeb } from '../../scripts/web/build.mjs';
import { decodeSafetensors } from '../../src/engine/util/safetensors.ts';
import type { ReferenceGroup } from '../../tools/pytorch/reference.ts';
import { describeInBrowser, type Web } from './helpers/browser.ts';
import { bundleForPage, root, runInNode } from './helpers/bundle.ts';
import type { TenSteps } from './page/ten_steps.ts';

/** The engine in a page: the tests, fixtures and bits of Node. */

const fixtures = readdirSync(join(root, 'test', 'fixtures')).filter((name) => name.endsWith('.safetensors'));
/** Training problems. The others hold operations' values, or a GAN's, which Node's tests read. */
const problems = fixtures.filter((name) => {
  const bytes = new Uint8Array(readFileSync(join(root, 'test', 'fixtures', name)));
  return decodeSafetensors(bytes, name).metadata.format === 'pixtape-reference';
});

async function prepare(folder: string): Promise<void> {
  await buildWeb(folder);
  for (const name of fixtures) copyFileSync(join(root, 'test', 'fixtures', name), join(folder, name));
  for (const name of ['ops', 'reference', 'ten_steps_page']) {
    await bundleForPage(`page/${name}.ts`, join(folder, `${name}.js`));
    writeFileSync(
      join(folder, `${name}.html`),
      `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${name}.js"></script>`,
    );
  }
}

/** Calls a function that the page defines on its globalThis, once it exists. */
async function call<T>(page: Page, name: string, ...args: unknown[]): Promise<T> {
  await page.waitForFunction((n) => n in globalThis, name);
  return page.evaluate(
    ([n, given]) => (globalThis as never as Record<string, (...a: unknown[]) => Promise<T>>)[n as string]!(...given),
    [name, args] as const,
  );
}

describeInBrowser('in a browser', prepare, ({ open }: Web) => {
  it('every operation passes its tests: random shapes, large ones, PyTorch’s values', {
    tags: 'long',
    timeout: 600_000,
  }, async () => {
    const page = await open('ops.html');
    await page.waitForFunction(() => 'pageTests' in globalThis);
    const names = await page.evaluate(() => (globalThis as unknown as { pageTests: string[] }).pageTests);
    expect(names.length).toBeGreaterThan(100);
    const failed: string[] = [];
    for (const name of names) {
      await call(page, 'runPageTest', name).catch((error: Error) => failed.push(`${name}: ${error.message}`));
    }
    expect(failed).toEqual([]);
  });

  it.each(problems)('reference fixture %s', { tags: 'long', timeout: 120_000 }, async (name) => {
    const groups = await call<ReferenceGroup[]>(await open('reference.html'), 'reference', name);
    expect(groups.map((group) => group.name)).toContain('curve.gen');
    expect(groups.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('ten steps give the same bits as in Node, from the same shaders', { tags: 'long', timeout: 120_000 }, async () => {
    const inPage = await call<TenSteps>(await open('ten_steps_page.html'), 'tenSteps');
    const inNode = JSON.parse((await runInNode('ten_steps_node.ts', []))[0] ?? '') as TenSteps;
    expect(inPage.capabilities).toEqual({ ...inNode.capabilities, cpu: true, subgroupSize: 4 });
    expect(Object.keys(inPage.shaders).length).toBeGreaterThan(20);
    expect(inPage.shaders).toEqual(inNode.shaders);
    expect(inPage.losses).toEqual(inNode.losses);
    expect(inPage.state).toBe(inNode.state);
    const curve = inPage.losses.map(([, gen]) => gen as number);
    expect(curve.at(-1)).toBeLessThan(curve[0] as number);
  });

  it('the page of ten lines trains a network', async () => {
    const page = await open('example.html');
    const log = page.locator('#log');
    await expect.poll(() => log.textContent(), { timeout: 50_000 }).toContain('step 200');
    const losses = [...((await log.textContent()) ?? '').matchAll(/loss (\S+)/g)].map((match) => Number(match[1]));
    expect(losses).toHaveLength(10);
    expect(losses.at(-1)).toBeLessThan(0.1 * (losses[0] as number));
  });
});
