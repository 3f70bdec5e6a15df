/**
 * There are two sets of tests. `npm test` runs the short one, which covers each operation, fixture and command, and the
 * page, once. `npm run test:all` runs all. One line in a test assigns it to the whole set only: `{ tags: 'long' }`, or
 * `@module-tag long` in the head comment of its file.
 */
export const short = process.env.PIXTAPE_TESTS === 'short';

/** How many items to try: `few` in the short set, `many` in the whole set. */
export const amount = (few: number, many: number): number => (short ? few : many);

/** How many random problems to try: `few` in the short set, `many` in the whole set; OP_RUNS overrides both. */
export function runs(few: number, many: number): number {
  return Number(process.env.OP_RUNS ?? amount(few, many));
}
