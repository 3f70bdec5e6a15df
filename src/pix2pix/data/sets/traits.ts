import { channelsOf, type Raster } from '../image/raster.ts';

/** Largest difference between neighbours within an area, of 255: JPEG changes all colours a little. */
const ALIKE = 10;
/** Colours are quantised to multiples of this, unless there are few. */
const STEP = 32;
const FEW = 64;
/** Colours closer than this count as one. */
const NEAR = 24;
/** Fractions of a picture: what areas must cover, and a colour's least share of them. */
const COVER = 0.6;
const LEAST_PART = 0.005;
/** Properties of a label map: number of colours, their share of the areas, and the variation of a colour. */
const COLOURS = { least: 3, most: 40, part: 0.9, spread: 4 };

/**
 * The number of flat colours of a picture that looks like a label map; 0 for others. Photographs have more colours,
 * gradients spread them, and line drawings have only one area, the background.
 */
export function labelColours(picture: Raster): number {
  const { width, height, data } = picture;
  const size = width * height;
  const channels = Math.min(3, channelsOf(picture));
  const unit = data instanceof Uint16Array ? 257 : data instanceof Uint8Array ? 1 : 1 / 255;
  const value = (i: number, c: number) => (data[c * size + i] as number) / unit;
  const few = hasFew(picture, channels);
  const step = few ? 1 / unit : STEP;
  const colours = new Map<number, Colour>();
  let flat = 0;
  for (let y = 0; y + 1 < height; y++) {
    for (let x = 0; x + 1 < width; x++) {
      const i = y * width + x;
      let [key, alike] = [0, true];
      for (let c = 0; c < channels && alike; c++) {
        const v = value(i, c);
        alike = Math.abs(value(i + 1, c) - v) < ALIKE && Math.abs(value(i + width, c) - v) < ALIKE;
        key = key * 65536 + Math.floor(v / step);
      }
      if (!alike) continue;
      flat++;
      const colour = colours.get(key) ?? new Colour();
      colours.set(key, colour);
      colour.count++;
      for (let c = 0; c < channels; c++) colour.add(c, value(i, c));
    }
  }
  if (flat < COVER * size) return 0;
  const large = [...colours.values()].filter(({ count }) => count >= LEAST_PART * flat);
  const areas = few ? large : large.reduce(joinNear, []);
  if (areas.length < COLOURS.least || areas.length > COLOURS.most) return 0;
  const covered = areas.reduce((sum, { count }) => sum + count, 0);
  const spread = Math.sqrt(areas.reduce((sum, colour) => sum + colour.deviation, 0) / (channels * covered));
  return covered >= COLOURS.part * flat && spread <= COLOURS.spread ? areas.length : 0;
}

/** Whether it has only a few exact colours: class indices are close to each other. */
function hasFew({ width, height, data }: Raster, channels: number): boolean {
  const size = width * height;
  const seen = new Set<string>();
  for (let i = 0; i < size && seen.size <= FEW; i++) {
    seen.add(Array.from({ length: channels }, (_, c) => data[c * size + i]).join());
  }
  return seen.size <= FEW;
}

/** Merges a colour with all nearby ones, so that a gradient becomes one colour of large variation. */
function joinNear(areas: Colour[], colour: Colour): Colour[] {
  const near = areas.filter((other) => other.distance(colour) < NEAR);
  for (const other of near) colour.join(other);
  return [...areas.filter((other) => !near.includes(other)), colour];
}

/** Statistics of the pixels of about one colour. */
class Colour {
  count = 0;
  private readonly sums = [0, 0, 0];
  private readonly squares = [0, 0, 0];
  /** Means of the merged colours. */
  private parts: number[][] = [];

  private get means(): number[][] {
    return this.parts.length > 0 ? this.parts : [this.sums.map((sum) => sum / this.count)];
  }

  /** Largest channel difference between the nearest means. */
  distance(other: Colour): number {
    const apart = (a: number[], b: number[]) => Math.max(...a.map((v, c) => Math.abs(v - (b[c] as number))));
    return Math.min(...this.means.flatMap((a) => other.means.map((b) => apart(a, b))));
  }

  join(other: Colour): void {
    this.parts = [...this.means, ...other.means];
    this.count += other.count;
    for (let c = 0; c < 3; c++) {
      this.sums[c] = (this.sums[c] as number) + (other.sums[c] as number);
      this.squares[c] = (this.squares[c] as number) + (other.squares[c] as number);
    }
  }

  add(channel: number, value: number): void {
    this.sums[channel] = (this.sums[channel] as number) + value;
    this.squares[channel] = (this.squares[channel] as number) + value * value;
  }

  /** Sum of the squared distances from the mean. */
  get deviation(): number {
    return this.sums.reduce((total, sum, c) => total + (this.squares[c] as number) - sum ** 2 / this.count, 0);
  }
}

/** For 16-bit values that use at most 12 bits: the power of two above them; undefined for others. */
export function unusedBits({ data }: Raster): number | undefined {
  if (!(data instanceof Uint16Array)) return undefined;
  let most = 0;
  for (const value of data) if (value > most) most = value;
  return most > 0 && most < 4096 ? 2 ** Math.ceil(Math.log2(most + 1)) : undefined;
}
