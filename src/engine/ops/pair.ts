import { aList, either, type Rule } from './arguments.ts';

/** One number for both sides, or [down, across]. */
export type Pair = number | readonly [down: number, across: number];

/** The rule of a pair of such numbers. */
export function aPair(of: Rule): Rule {
  return either(of, aList(of, 2));
}

export function pairOf(value: Pair): readonly [down: number, across: number] {
  return typeof value === 'number' ? [value, value] : value;
}
