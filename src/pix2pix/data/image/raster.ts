/**
 * A decoded picture before conversion to floats: planes, row by row. Bytes stand for value/255, 16-bit words for
 * value/65535, floats for themselves. So values from a file stay exact and take no more memory.
 */
export interface Raster {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** CHW: planes of height · width values; red, green and blue, unless stated otherwise. */
  readonly data: Uint8Array | Uint16Array | Float32Array;
  /** Fraction of the values that were outside the given range. */
  readonly clipped?: number;
}

/** Channels of a picture. Other data have as many as there are planes. */
export const CHANNELS = 3;

export const channelsOf = ({ width, height, data }: Omit<Raster, 'clipped'>): number => data.length / (width * height);

/** Expands grey to three equal planes; returns others unchanged. */
export function asColours(data: Float32Array, size: number): Float32Array {
  if (data.length !== size) return data;
  const planes = new Float32Array(CHANNELS * size);
  for (let c = 0; c < CHANNELS; c++) planes.set(data, c * size);
  return planes;
}

/** Allocates an array of the same type as `like`. */
export function sameKind(like: Raster['data'], length: number): Raster['data'] {
  if (like instanceof Float32Array) return new Float32Array(length);
  return like instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);
}

/** Converts to values in [0, 1]: bytes and words are divided in float32 by 255 and 65535. */
export function toFloats({ data }: Raster): Float32Array {
  if (data instanceof Float32Array) return data.slice();
  return data instanceof Uint8Array ? bytesToFloats(data) : wordsToFloats(data);
}

// One loop per type of array: a shared loop runs several times slower.
const BYTES = Float32Array.from({ length: 256 }, (_, i) => i / 255);

function bytesToFloats(data: Uint8Array): Float32Array {
  const floats = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) floats[i] = BYTES[data[i] as number] as number;
  return floats;
}

function wordsToFloats(data: Uint16Array): Float32Array {
  const floats = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) floats[i] = (data[i] as number) / 65535;
  return floats;
}

/**
 * Crops a rectangle, and mirrors it left to right if asked.
 * @param x, y its top left pixel
 */
export function cut(from: Raster, x: number, y: number, width: number, height: number, mirror = false): Raster {
  if (!mirror && x === 0 && y === 0 && width === from.width && height === from.height) return from;
  if (x < 0 || y < 0 || x + width > from.width || y + height > from.height) {
    throw new Error(`${width} × ${height} at (${x}, ${y}) does not lie in ${from.width} × ${from.height}`);
  }
  const channels = channelsOf(from);
  const data = sameKind(from.data, channels * width * height);
  for (let c = 0; c < channels; c++) {
    for (let row = 0; row < height; row++) {
      const start = (c * from.height + y + row) * from.width + x;
      const line = data.subarray((c * height + row) * width, (c * height + row + 1) * width);
      line.set(from.data.subarray(start, start + width));
      if (mirror) line.reverse();
    }
  }
  return { ...from, width, height, data };
}

/** Joins two pictures of the same height side by side. Bytes joined with words become words of the same brightness. */
export function beside(left: Raster, right: Raster): Raster {
  if (left.data instanceof Uint8Array && right.data instanceof Uint16Array) return beside(widen(left), right);
  if (left.data instanceof Uint16Array && right.data instanceof Uint8Array) return beside(left, widen(right));
  if (left.height !== right.height || left.data.BYTES_PER_ELEMENT !== right.data.BYTES_PER_ELEMENT) {
    throw new Error('pictures beside each other need the same height and the same kind of values');
  }
  const width = left.width + right.width;
  const data = sameKind(left.data, CHANNELS * width * left.height);
  for (let row = 0; row < CHANNELS * left.height; row++) {
    data.set(left.data.subarray(row * left.width, (row + 1) * left.width), row * width);
    data.set(right.data.subarray(row * right.width, (row + 1) * right.width), row * width + left.width);
  }
  return { width, height: left.height, data };
}

/** Bytes → words: 65535 = 257 · 255. */
function widen({ width, height, data }: Raster): Raster {
  return { width, height, data: Uint16Array.from(data, (value) => value * 257) };
}
