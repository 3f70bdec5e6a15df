const HELD_OUT = 0.1;

export interface Split {
  /** Indices, ascending. */
  train: number[];
  test: number[];
}

/** A number in [0, 1) from the first six bytes of a text's SHA-256. */
export function fractionOfDigest(digest: Uint8Array): number {
  return digest.subarray(0, 6).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 48;
}

/**
 * Holds out about a tenth, or another share, for testing. Items with the same key stay together, and the side depends
 * only on the key, so adding items does not move others. Each side gets at least one key.
 * @param keys one per item
 * @param fractions for each key, a number in [0, 1) that depends only on it: see `fractionOfDigest`
 * @param most hold out at most this many items, those of the smallest fractions
 * @param share fraction to hold out
 * @returns both sides; undefined if all items have the same key
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
