const HELD_OUT = 0.1;

export interface Split {
  /** Indices, ascending. */
  train: number[];
  test: number[];
}

/** A number in [0, 1) from the SHA-256 of a text: its first six bytes. */
export function fractionOfDigest(digest: Uint8Array): number {
  return digest.subarray(0, 6).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 48;
}

/**
 * Holds about a tenth (or another share) out for testing. Items with the same key stay on the same side, and the side depends on the key
 * alone: when items are added, the others stay where they are. At least one key is held out, and at least one is not.
 * @param keys one for each item
 * @param fractions for each key a number in [0, 1) that depends on it alone: see `fractionOfDigest`
 * @param most hold no more items out; the keys with the smallest fractions are
 * @param share how much to hold out, of 1
 * @returns both sides; undefined when all items share one key
 */
export function holdOutBy(
  keys: readonly string[],
  fractions: ReadonlyMap<string, number>,
  most = Number.POSITIVE_INFINITY,
  share = HELD_OUT,
): Split | undefined {
  if (fractions.size < 2) return undefined;
  const ranked = [...fractions].sort(([a, fa], [b, fb]) => fa - fb || (a < b ? -1 : 1));
  const sizes = new Map<string, number>();
  for (const key of keys) sizes.set(key, (sizes.get(key) ?? 0) + 1);
  const chosen = new Set<string>();
  let items = 0;
  for (const [key, fraction] of ranked.slice(0, -1)) {
    items += sizes.get(key) ?? 0;
    if (chosen.size > 0 && (fraction >= share || items > most)) break;
    chosen.add(key);
  }
  const all = keys.map((_, i) => i);
  const held = (i: number) => chosen.has(keys[i] as string);
  return { train: all.filter((i) => !held(i)), test: all.filter(held) };
}
