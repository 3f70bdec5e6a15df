import { readTiffDirectory, type TiffDirectory } from './tiff/directory.ts';

/**
 * Removes harmless defects that decoders warn of: unsorted tags of a TIFF, unterminated texts, bytes between the
 * segments of a JPEG, a Samsung camera's start of scan. Any remaining warning then means damage.
 * @returns undefined if there is nothing to repair
 */
export async function tidied(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return tidyJpeg(bytes);
  if (isTiff(bytes)) return tidyTiff(bytes);
  return undefined;
}

/** "II" or "MM", and 42, or 43 for BigTIFF. */
export function isTiff(bytes: Uint8Array): boolean {
  const [order, other, a, b] = bytes;
  if (order === 0x49 && other === 0x49) return (a === 42 || a === 43) && b === 0;
  return order === 0x4d && other === 0x4d && a === 0 && (b === 42 || b === 43);
}

/** Tags for the layout and meaning of pixels, without those for texts, places and cameras. */
const STRUCTURE = new Set([
  254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 292, 293, 296, 317, 318,
  319, 320, 321, 322, 323, 324, 325, 332, 333, 334, 336, 338, 339, 340, 341, 347, 512, 513, 514, 515, 517, 518, 519,
  520, 521, 529, 530, 531, 532,
]);

async function tidyTiff(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  let directory: TiffDirectory;
  try {
    directory = await readTiffDirectory((at, length) => bytes.subarray(at, at + length));
  } catch {
    return undefined; // Cut short: the decoder says so.
  }
  const { entries, at, littleEndian, big } = directory;
  const seen = new Set<number>();
  const kept = entries.filter(({ tag }) => STRUCTURE.has(tag) && !seen.has(tag) && seen.add(tag));
  kept.sort((a, b) => a.tag - b.tag);
  // Never longer than before, so it fits in place. No page follows.
  const copy = new Uint8Array(bytes);
  const view = new DataView(copy.buffer);
  if (big) view.setBigUint64(at, BigInt(kept.length), littleEndian);
  else view.setUint16(at, kept.length, littleEndian);
  let place = at + (big ? 8 : 2);
  for (const { raw } of kept) {
    copy.set(raw, place);
    place += raw.length;
  }
  copy.fill(0, place, Math.min(place + (big ? 8 : 4), copy.length));
  return copy;
}

/** Markers without a segment: restarts, start of image, temporary. */
const isAlone = (marker: number): boolean => (marker >= 0xd0 && marker <= 0xd8) || marker === 0x01;
const [SOF0, SOF1, SOS, EOI] = [0xc0, 0xc1, 0xda, 0xd9];
/**
 * Application data and comments, except JFIF (0), EXIF (1) and Adobe (14), which affect colours and orientation.
 */
const isIgnored = (marker: number): boolean => marker === 0xfe || (marker >= 0xe2 && marker <= 0xef && marker !== 0xee);

function tidyJpeg(bytes: Uint8Array): Uint8Array | undefined {
  const pieces: Uint8Array[] = [bytes.subarray(0, 2)];
  let sequential = false;
  let at = 2;
  while (at < bytes.length) {
    const mark = nextMarker(bytes, at);
    if (mark === undefined) return undefined; // Cut short: the decoder says so.
    const marker = bytes[mark + 1] as number;
    if (marker === EOI) {
      pieces.push(bytes.subarray(mark));
      return Buffer.concat(pieces);
    }
    if (isAlone(marker)) {
      at = mark + 2;
      continue;
    }
    const length = ((bytes[mark + 2] ?? 0) << 8) | (bytes[mark + 3] ?? 0);
    const end = mark + 2 + length;
    if (length < 2 || end > bytes.length) return undefined;
    if (marker === SOF0 || marker === SOF1) sequential = true;
    at = end;
    if (isIgnored(marker)) continue;
    if (marker !== SOS) {
      pieces.push(bytes.subarray(mark, end));
      continue;
    }
    const segment = new Uint8Array(bytes.subarray(mark, end));
    // In a sequential JPEG the last three bytes are fixed: all 64 coefficients, no refinement.
    if (sequential) segment.set([0, 63, 0], segment.length - 3);
    const scan = endOfScan(bytes, end);
    pieces.push(segment, bytes.subarray(end, scan));
    at = scan;
  }
  return undefined;
}

/** The next marker: 0xff, possibly repeated, and its code. */
function nextMarker(bytes: Uint8Array, from: number): number | undefined {
  for (let at = from; at + 1 < bytes.length; at++) {
    const next = bytes[at + 1];
    if (bytes[at] === 0xff && next !== 0 && next !== 0xff) return at;
  }
  return undefined;
}

/** The end of a scan's data: at a marker other than restart, or at the end of the file. */
function endOfScan(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 1 < bytes.length; at++) {
    if (bytes[at] !== 0xff) continue;
    const next = bytes[at + 1] as number;
    if (next !== 0 && next !== 0xff && !(next >= 0xd0 && next <= 0xd7)) return at;
  }
  return bytes.length;
}
