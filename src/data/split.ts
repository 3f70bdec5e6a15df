import { createHash } from 'node:crypto';

const HELD_OUT = 0.1;

export interface Split {
  /** Indices, ascending. */
  train: number[];
  test: number[];
}

/** A number in [0, 1) that depends on the text alone. */
export function fractionOf(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}

/**
 * Holds about a tenth out for testing. Items with the same key stay on the same side, and the side depends on the key
 * alone: when items are added, the others stay where they are. At least one key is held out, and at least one is not.
 * @param keys one for each item
 * @param most hold no more items out; the keys that come first by their hash are
 * @returns both sides; undefined when all items share one key
 */
export function holdOut(keys: readonly string[], most = Number.POSITIVE_INFINITY): Split | undefined {
  const fractions = new Map(keys.map((key) => [key, fractionOf(key)]));
  if (fractions.size < 2) return undefined;
  const ranked = [...fractions].sort(([a, fa], [b, fb]) => fa - fb || (a < b ? -1 : 1));
  const sizes = new Map<string, number>();
  for (const key of keys) sizes.set(key, (sizes.get(key) ?? 0) + 1);
  const chosen = new Set<string>();
  let items = 0;
  for (const [key, fraction] of ranked.slice(0, -1)) {
    items += sizes.get(key) ?? 0;
    if (chosen.size > 0 && (fraction >= HELD_OUT || items > most)) break;
    chosen.add(key);
  }
  const all = keys.map((_, i) => i);
  const held = (i: number) => chosen.has(keys[i] as string);
  return { train: all.filter((i) => !held(i)), test: all.filter(held) };
}
