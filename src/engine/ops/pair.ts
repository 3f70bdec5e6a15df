import { aList, either, type Rule } from './arguments.ts';

/** One number for both sides, or one for each: [down, across]. */
export type Pair = number | readonly [down: number, across: number];

/** What a pair of such numbers may be. */
export function aPair(of: Rule): Rule {
  return either(of, aList(of, 2));
}

export function pairOf(value: Pair): readonly [down: number, across: number] {
  return typeof value === 'number' ? [value, value] : value;
}
