import { createHash } from 'node:crypto';

/** What file systems take, in bytes of UTF-8. */
const LONGEST = 255;

/**
 * A name for a new file. Where it would be longer than file systems take, its end is replaced by a part of its hash, so
 * that long names that differ stay different.
 * @param extension with its dot
 */
export function fileName(stem: string, extension: string): string {
  const name = stem + extension;
  if (Buffer.byteLength(name) <= LONGEST) return name;
  const ending = `~${createHash('sha256').update(stem).digest('hex').slice(0, 8)}${extension}`;
  const signs = [...stem];
  while (Buffer.byteLength(signs.join('')) > LONGEST - Buffer.byteLength(ending)) signs.pop();
  return signs.join('') + ending;
}
