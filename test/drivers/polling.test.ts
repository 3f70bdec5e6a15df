import { afterEach, beforeEach, expect, it } from 'vitest';
import { pollSeldom } from '../../src/drivers/dawn/polling.ts';

const { setImmediate: original } = globalThis;
beforeEach(() => pollSeldom());
afterEach(() => {
  globalThis.setImmediate = original;
});

/** What Dawn passes to setImmediate: a function without a name in native code. */
const native = (callback: () => void): (() => void) => new Proxy(callback, {});

/** Polls at every turn of the event loop, as Dawn does. Returns the times of the polls in milliseconds. */
function wait(milliseconds: number): Promise<number[]> {
  const began = performance.now();
  const asked: number[] = [];
  return new Promise((done) => {
    const ask = native(() => {
      asked.push(performance.now() - began);
      if (performance.now() - began >= milliseconds) done(asked);
      else setImmediate(ask);
    });
    setImmediate(ask);
  });
}

it('lets Dawn poll at once at first, then about every one or two milliseconds', async () => {
  const asked = await wait(150);
  expect(asked[0]).toBeLessThan(50);
  const late = asked.filter((time) => time > 20);
  // A millisecond each at least; without a pause there are tens of thousands.
  expect(late.length).toBeGreaterThan(1);
  expect(late.length).toBeLessThan(150);
});

it('starts afresh with each wait', async () => {
  await wait(60);
  const counts: number[] = [];
  for (let i = 0; i < 20; i++) counts.push((await wait(2)).length);
  // Polls at every turn again. With the previous wait's pause there would be one or two polls.
  expect(Math.max(...counts)).toBeGreaterThan(5);
});

it('does not affect other callers', async () => {
  const got = await new Promise((done) => setImmediate((a, b) => done([a, b]), 1, 2));
  expect(got).toEqual([1, 2]);
  let ran = false;
  const handle = setImmediate(() => {
    ran = true;
  });
  clearImmediate(handle);
  await new Promise((done) => setTimeout(done, 5));
  expect(ran).toBe(false);
});
