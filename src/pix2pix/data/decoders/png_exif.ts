import type { ReadBytes } from './tiff/directory.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** EXIF with a thumbnail takes at most 64 kB; text chunks may follow it. */
const TAIL = 1 << 17;
/** Length, name and checksum. */
const FRAME = 12;

/**
 * Some programs write a PNG's EXIF, with the orientation, after the pixels, where libpng does not look for it.
 * @param size of the file in bytes
 * @returns a function that moves it to the front of the file's bytes; undefined if there is none after the pixels
 */
export async function strayExif(read: ReadBytes, size: number): Promise<((file: Buffer) => Buffer) | undefined> {
  const head = await read(0, SIGNATURE.length);
  if (SIGNATURE.some((byte, i) => head[i] !== byte)) return undefined;
  const start = Math.max(SIGNATURE.length, size - TAIL);
  const tail = Buffer.from(await read(start, size - start));
  for (let at = tail.indexOf('eXIf'); at >= 0; at = tail.indexOf('eXIf', at + 1)) {
    const chunk = at - 4;
    const end = chunk < 0 ? 0 : chunk + FRAME + tail.readUInt32BE(chunk);
    if (chunk >= 0 && endsFile(tail, end) && start + chunk > SIGNATURE.length + FRAME + 13) {
      return (file) => moved(file, start + chunk, start + end);
    }
  }
  return undefined;
}

/** Whether chunks follow up to the end of the picture, without pixels. */
function endsFile(tail: Buffer, from: number): boolean {
  for (let at = from; at + FRAME <= tail.length; ) {
    const name = tail.toString('latin1', at + 4, at + 8);
    if (name === 'IEND') return true;
    if (name === 'IDAT' || !/^[A-Za-z]{4}$/.test(name)) return false;
    at += FRAME + tail.readUInt32BE(at);
  }
  return false;
}

/** Moves the bytes from `start` to `end` right after the header. */
function moved(file: Buffer, start: number, end: number): Buffer {
  const front = SIGNATURE.length + FRAME + 13;
  return Buffer.concat([
    file.subarray(0, front),
    file.subarray(start, end),
    file.subarray(front, start),
    file.subarray(end),
  ]);
}
