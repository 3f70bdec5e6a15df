/** A tag of a TIFF file: number, type (2 text, 3 short, 4 long, 5 rational, 11 float, 12 double) and values. */
export type TiffTag = [tag: number, type: 2 | 3 | 4 | 11 | 12, values: readonly number[] | string];

export interface MadeTiff {
  width: number;
  height: number;
  /** Samples per pixel. */
  bands: number;
  /** Pixel by pixel, or with `planar` band by band. */
  data: Uint8Array | Uint16Array | Int16Array | Uint32Array | Float32Array | Float64Array;
  /** 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK. */
  photometric: number;
  /** The meaning of samples beyond the colours: 0 unspecified, 1 premultiplied opacity, 2 opacity. */
  extra?: number[];
  planar?: boolean;
  /** Further tags, or replacements of those that are written. */
  tags?: TiffTag[];
  /** Keeps the tags in the order given here. */
  unsorted?: boolean;
}

const BYTES = { 2: 1, 3: 2, 4: 4, 11: 4, 12: 8 } as const;

/** An uncompressed little-endian TIFF file. */
export function makeTiff({ width, height, bands, data, photometric, extra, planar, tags = [], unsorted }: MadeTiff) {
  const bits = 8 * data.BYTES_PER_ELEMENT;
  const float = data instanceof Float32Array || data instanceof Float64Array;
  const format = float ? 3 : data instanceof Int16Array ? 2 : 1;
  const strips = planar ? bands : 1;
  const bytes = data.byteLength / strips;
  const ends = tags.map(([tag]) => tag);
  const all: TiffTag[] = [
    [256, 4, [width]],
    [257, 4, [height]],
    [258, 3, Array(bands).fill(bits)],
    [259, 3, [1]],
    [262, 3, [photometric]],
    [273, 4, Array.from({ length: strips }, (_, i) => 8 + i * bytes)],
    [277, 3, [bands]],
    [278, 4, [height]],
    [279, 4, Array(strips).fill(bytes)],
    [284, 3, [planar ? 2 : 1]],
    ...(extra ? [[338, 3, extra] as TiffTag] : []),
    [339, 3, Array(bands).fill(format)],
  ];
  const entries = [...all.filter(([tag]) => !ends.includes(tag)), ...tags];
  if (!unsorted) entries.sort(([a], [b]) => a - b);
  const directory = 8 + Math.ceil(data.byteLength / 2) * 2;
  let free = directory + 2 + 12 * entries.length + 4;
  const values = entries.map(([, type, given]) => encode(type, given));
  const total = free + values.reduce((sum, value) => sum + (value.length > 4 ? value.length + 1 : 0), 0);
  const file = Buffer.alloc(total);
  file.write('II*\0', 0, 'latin1');
  file.writeUInt32LE(directory, 4);
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).copy(file, 8);
  file.writeUInt16LE(entries.length, directory);
  for (const [i, [tag, type, given]] of entries.entries()) {
    const at = directory + 2 + 12 * i;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(given.length, at + 4);
    const value = values[i] as Buffer;
    if (value.length <= 4) value.copy(file, at + 8);
    else {
      file.writeUInt32LE(free, at + 8);
      value.copy(file, free);
      free += value.length + (value.length % 2);
    }
  }
  return file;
}

function encode(type: TiffTag[1], values: readonly number[] | string): Buffer {
  if (typeof values === 'string') return Buffer.from(values, 'latin1');
  const bytes = Buffer.alloc(values.length * BYTES[type]);
  values.forEach((value, i) => {
    if (type === 3) bytes.writeUInt16LE(value, 2 * i);
    else if (type === 4) bytes.writeUInt32LE(value, 4 * i);
    else if (type === 11) bytes.writeFloatLE(value, 4 * i);
    else if (type === 12) bytes.writeDoubleLE(value, 8 * i);
    else bytes.writeUInt8(value, i);
  });
  return bytes;
}
