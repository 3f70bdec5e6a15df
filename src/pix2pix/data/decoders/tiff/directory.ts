/**
 * Reads the first directory of a TIFF or BigTIFF file: the tags that describe the picture.
 * (TIFF Revision 6.0, section 2; https://www.awaresystems.be/imaging/tiff/bigtiff.html)
 */

/** Reads bytes of a possibly large file; fewer at its end. */
export type ReadBytes = (at: number, length: number) => Promise<Uint8Array> | Uint8Array;

export interface TiffEntry {
  tag: number;
  type: number;
  count: number;
  /** Offset of its values in the file. */
  at: number;
  /** Its 12 bytes (20 in BigTIFF) in the directory. */
  raw: Uint8Array;
}

export interface TiffDirectory {
  /** In the file's order. */
  entries: TiffEntry[];
  /** Offset of the number of entries. */
  at: number;
  littleEndian: boolean;
  big: boolean;
  /** Whether another page follows. */
  more: boolean;
  /** The values of a tag; undefined if it is missing or not numeric. */
  numbers(tag: number): Promise<number[] | undefined>;
}

/**
 * Bytes per value by type: byte, ASCII, short, long, rational, their signed versions, float, double, and BigTIFF's.
 */
const BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];
const MAX_ENTRIES = 4096;
/** The most values of a tag: one per strip or tile of a picture. */
const MAX_VALUES = 1 << 22;

/** @throws Error if it is not a TIFF file, or ends before its directory */
export async function readTiffDirectory(read: ReadBytes): Promise<TiffDirectory> {
  const head = await exactly(read, 0, 16);
  const littleEndian = head.getUint8(0) === 0x49;
  const u16 = (view: DataView, at: number) => view.getUint16(at, littleEndian);
  const u32 = (view: DataView, at: number) => view.getUint32(at, littleEndian);
  const u64 = (view: DataView, at: number) => Number(view.getBigUint64(at, littleEndian));
  const big = u16(head, 2) === 43;
  const at = big ? u64(head, 8) : u32(head, 4);
  const countBytes = big ? 8 : 2;
  const first = await exactly(read, at, countBytes);
  const count = big ? u64(first, 0) : u16(first, 0);
  if (count === 0 || count > MAX_ENTRIES) throw new Error(`its directory has ${count} entries`);
  const [size, pointer] = big ? [20, 8] : [12, 4];
  const body = await exactly(read, at + countBytes, count * size);
  // In some files the last directory ends at the end of the file, without the offset of the next.
  const next = await read(at + countBytes + count * size, pointer);
  const entries = Array.from({ length: count }, (_, i): TiffEntry => {
    const raw = new Uint8Array(body.buffer, body.byteOffset + i * size, size);
    const [tag, type] = [u16(body, i * size), u16(body, i * size + 2)];
    const values = big ? u64(body, i * size + 4) : u32(body, i * size + 4);
    const inside = (BYTES[type] ?? 0) * values <= pointer;
    const place = i * size + 4 + pointer;
    const where = inside ? at + countBytes + place : big ? u64(body, place) : u32(body, place);
    return { tag, type, count: values, at: where, raw };
  });
  const numbers = async (wanted: number) => {
    const entry = entries.find(({ tag }) => tag === wanted);
    const width = BYTES[entry?.type ?? 0] ?? 0;
    if (!entry || width === 0) return undefined;
    if (entry.count > MAX_VALUES) throw new Error(`its tag ${wanted} has ${entry.count} values`);
    const view = await exactly(read, entry.at, entry.count * width);
    return Array.from({ length: entry.count }, (_, i) => numberAt(view, i * width, entry.type, littleEndian));
  };
  return { entries, at, littleEndian, big, more: next.some((byte) => byte !== 0), numbers };
}

function numberAt(view: DataView, at: number, type: number, little: boolean): number {
  if (type === 3) return view.getUint16(at, little);
  if (type === 8) return view.getInt16(at, little);
  if (type === 4 || type === 13) return view.getUint32(at, little);
  if (type === 9) return view.getInt32(at, little);
  if (type === 11) return view.getFloat32(at, little);
  if (type === 12) return view.getFloat64(at, little);
  if (type === 5) return view.getUint32(at, little) / view.getUint32(at + 4, little);
  if (type >= 16) return Number(view.getBigUint64(at, little));
  return view.getUint8(at);
}

async function exactly(read: ReadBytes, at: number, length: number): Promise<DataView> {
  const bytes = await read(at, length);
  if (bytes.length < length) throw new Error('it ends before its tags do');
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}
