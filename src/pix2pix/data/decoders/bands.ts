import { BadFile } from '../files/formats.ts';
import { LUMA } from '../image/luma.ts';
import { CHANNELS, type Raster, sameKind } from '../image/raster.ts';

type Values =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** A picture as stored in its file: one plane per sample of a pixel, row by row. */
export interface Bands {
  width: number;
  height: number;
  planes: readonly Values[];
  /** Whether the last plane is opacity, and whether colours are premultiplied by it. */
  alpha?: 'straight' | 'multiplied';
}

/** The values that become 0 and 1, if values are not bytes. */
export interface ValueRange {
  min: number;
  max: number;
}

export interface DecodeOptions {
  /**
   * Wanted number of planes: 1 gives grey, 3 (default) colours. Other numbers need files with exactly as many bands.
   */
  channels?: number;
  range?: ValueRange;
}

/**
 * Converts bands to a raster. For 1 or 3 channels, converts between grey and colours and composites over white; other
 * numbers of bands are kept. Bytes and 16-bit words stay unchanged. Other values, and words with a range, become
 * floats between 0 and 1.
 * @throws BadFile if it has other bands than wanted, or its values need a range
 */
export function rasterOf(bands: Bands, { channels = CHANNELS, range }: DecodeOptions, path: string): Raster {
  const { width, height, planes, alpha } = bands;
  const colours = planes.length - (alpha ? 1 : 0);
  const pictured = colours === 1 || colours === CHANNELS;
  if ((channels === 1 || channels === CHANNELS) && pictured) {
    const raster = joined(width, height, planes.slice(0, colours), range, path);
    const opaque = alpha ? overWhite(raster, planes[colours] as Values, alpha, path) : raster;
    return toChannels(opaque, channels);
  }
  if (planes.length !== channels) throw otherBands(bands, channels, path);
  return joined(width, height, planes, range, path);
}

export function otherBands(
  { planes: { length }, alpha }: Pick<Bands, 'planes' | 'alpha'>,
  channels: number,
  path: string,
) {
  const what = `${length} band${length === 1 ? '' : 's'}${alpha ? ', one of them opacity' : ''}`;
  const wanted = channels === CHANNELS ? 'pictures have 3, or 1 for grey' : `expected ${channels}`;
  return new BadFile(
    path,
    `has ${what}; ${wanted}`,
    `Save it with other bands, or train on all of them: --input_nc ${length} where it is the condition.`,
  );
}

/** Concatenates all planes, as the values that they stand for. */
function joined(width: number, height: number, planes: readonly Values[], range: ValueRange | undefined, path: string) {
  const [first] = planes;
  const size = width * height;
  const exact = first instanceof Uint8Array || (first instanceof Uint16Array && !range);
  if (exact) {
    const data = sameKind(first, planes.length * size);
    planes.forEach((plane, c) => {
      data.set(plane, c * size);
    });
    return { width, height, data };
  }
  const data = new Float32Array(planes.length * size);
  let [lowest, highest, clipped] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  const { min, max } = range ?? { min: 0, max: 1 };
  planes.forEach((plane, c) => {
    for (let i = 0; i < size; i++) {
      const value = plane[i] as number;
      if (Number.isNaN(value)) throw noData(i % width, Math.floor(i / width), c, path);
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
      const part = (value - min) / (max - min);
      if (part < 0 || part > 1) clipped++;
      data[c * size + i] = Math.min(1, Math.max(0, part));
    }
  });
  if (!range && clipped > 0) throw noRange(first as Values, lowest, highest, path);
  return { width, height, data, ...(clipped > 0 ? { clipped: clipped / data.length } : {}) };
}

function noData(x: number, y: number, band: number, path: string): BadFile {
  const reason = `holds no number at (${x}, ${y}), band ${band + 1} (NaN: no data)`;
  return new BadFile(path, reason, 'Fill such places with a value, or cut them off.');
}

function noRange(values: Values, lowest: number, highest: number, path: string): BadFile {
  const kind = values.constructor.name.replace('Array', '').replace(/(\d+)/, ' of $1 bits').toLowerCase();
  return new BadFile(
    path,
    `holds ${kind} from ${lowest} to ${highest}, which do not say what is black and white`,
    `Say what becomes 0 and 1, for all files alike: --range ${lowest},${highest}`,
  );
}

/**
 * Composites over white: C + white · (1 − alpha) for premultiplied colours, C · alpha + white · (1 − alpha) for others.
 */
function overWhite(from: Raster, opacity: Values, alpha: 'straight' | 'multiplied', path: string): Raster {
  const { width, height, data } = from;
  if (data instanceof Float32Array) {
    throw new BadFile(path, 'has opacity beside values that are no bytes', 'Save it without opacity.');
  }
  const size = width * height;
  const white = data instanceof Uint16Array ? 65535 : 255;
  const out = sameKind(data, data.length);
  for (let at = 0; at < data.length; at++) {
    const value = data[at] as number;
    const part = opacity[at % size] as number;
    if (part === white) out[at] = value;
    else if (alpha === 'multiplied') out[at] = Math.min(white, value + white - part);
    else out[at] = Math.round((value * part + white * (white - part)) / white);
  }
  return { width, height, data: out };
}

/** Converts between grey and colours; returns it unchanged if it has as many planes already. */
export function toChannels(from: Raster, channels: number): Raster {
  const { width, height, data } = from;
  const size = width * height;
  if (data.length === channels * size) return from;
  const out = sameKind(data, channels * size);
  if (channels === CHANNELS) for (let c = 0; c < CHANNELS; c++) out.set(data.subarray(0, size), c * size);
  else {
    const round = out instanceof Float32Array ? (value: number) => value : Math.round;
    for (let i = 0; i < size; i++) {
      out[i] = round(LUMA.reduce((sum, weight, c) => sum + weight * (data[c * size + i] as number), 0));
    }
  }
  return { ...from, data: out };
}
