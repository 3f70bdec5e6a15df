import { totalmem } from 'node:os';

/** Bytes for decoded pictures: 1 GiB, or a quarter of the memory of a small machine. */
export function roomForPictures(): number {
  return Math.min(2 ** 30, totalmem() / 4);
}
