import { totalmem } from 'node:os';

/** Bytes for decoded pictures: a gibibyte, or a quarter of a small machine's memory. */
export function roomForPictures(): number {
  return Math.min(2 ** 30, totalmem() / 4);
}
