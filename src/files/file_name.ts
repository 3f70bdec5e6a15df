import { createHash } from 'node:crypto';

/** Longest name that file systems take, in bytes of UTF-8. */
const LONGEST = 255;

/**
 * Makes a name for a new file. Replaces the end of a name that is too long by a part of its hash, so that different
 * names stay different.
 * @param extension including the dot
 */
export function fileName(stem: string, extension: string): string {
  const name = stem + extension;
  if (Buffer.byteLength(name) <= LONGEST) return name;
  const ending = `~${createHash('sha256').update(stem).digest('hex').slice(0, 8)}${extension}`;
  const signs = [...stem];
  while (Buffer.byteLength(signs.join('')) > LONGEST - Buffer.byteLength(ending)) signs.pop();
  return signs.join('') + ending;
}
