/**
 * There are two sets of tests. `npm test` runs the short one, which covers each operation, fixture and command, and the
 * page, once. `npm run test:all` runs all. A test says in one line that it is for the whole set only: `{ tags: 'long' }`,
 * or `@module-tag long` in the head comment of its file.
 */
const short = process.env.PIXTAPE_TESTS === 'short';

/** How much of something to try: `few` in the short set, `many` in the whole. */
export const amount = (few: number, many: number): number => (short ? few : many);

/** How many random problems to try: `few` in the short set, `many` in the whole; OP_RUNS overrides both. */
export function runs(few: number, many: number): number {
  return Number(process.env.OP_RUNS ?? amount(few, many));
}
