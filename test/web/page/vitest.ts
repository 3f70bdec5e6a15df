/**
 * Replaces vitest where one of Node's test files runs in a page: the same matchers, and a list of tests, which the
 * runner outside the page calls by name.
 */
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect';
import * as chai from 'chai';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

export const { expect } = chai;

type Body = (...args: never[]) => unknown;
/** A test's function, with options before it or a time limit after it, which a page ignores. */
type Rest = readonly (Body | object | number)[];

const bodyOf = (rest: Rest): Body => rest.find((each) => typeof each === 'function') as Body;

export const tests = new Map<string, () => Promise<void>>();
const before: (() => unknown)[] = [];
let prefix = '';
let prepared: Promise<unknown> | undefined;

/** The setup functions of the files, run once before the first test. */
async function prepare(): Promise<void> {
  for (const body of before) await body();
}

export function beforeAll(body: () => unknown): void {
  before.push(body);
}

/** The page is closed after its tests. */
export function afterAll(): void {}

function add(name: string, ...rest: Rest): void {
  const body = bodyOf(rest) as () => unknown;
  const full = prefix + name;
  if (tests.has(full)) throw new Error(`two tests named ${full}`);
  tests.set(full, async () => {
    prepared ??= prepare();
    await prepared;
    await body();
  });
}

function group(name: string, ...rest: Rest): void {
  const body = bodyOf(rest) as () => unknown;
  const outer = prefix;
  prefix = `${outer}${name} › `;
  body();
  prefix = outer;
}

/** `%s` and `%i` in the name are filled in from the row. */
const each =
  (one: (name: string, body: () => unknown) => void) =>
  (rows: readonly (readonly unknown[])[]) =>
  (name: string, ...rest: Rest): void => {
    const body = bodyOf(rest);
    for (const row of rows) {
      let n = 0;
      one(
        name.replace(/%[si]/g, () => String(row[n++])),
        () => (body as (...args: unknown[]) => unknown)(...row),
      );
    }
  };

export const test = Object.assign(add, { each: each(add) });
export const it = test;
export const describe = Object.assign(group, { each: each(group) });
