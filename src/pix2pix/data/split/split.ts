import { createHash } from 'node:crypto';
import { fractionOfDigest, holdOutBy, type Split } from './hold_out.ts';

export type { Split } from './hold_out.ts';

/** A number in [0, 1) that depends only on the text. */
export function fractionOf(text: string): number {
  return fractionOfDigest(createHash('sha256').update(text).digest());
}

/** Holds out about a tenth, or another share, for testing, by the keys' SHA-256; see `holdOutBy`. */
export function holdOut(keys: readonly string[], most?: number, share?: number): Split | undefined {
  return holdOutBy(keys, new Map(keys.map((key) => [key, fractionOf(key)])), most, share);
}
