import { channelsOf, type Raster } from '../image/raster.ts';

/** Of 255: the most by which neighbours within an area differ; JPEG leaves no colour as it was. */
const ALIKE = 10;
/** Colours are told apart by steps of this, unless there are few. */
const STEP = 32;
const FEW = 64;
/** Colours nearer to each other than this are one. */
const NEAR = 24;
/** Parts of a picture: what areas must cover, and what a colour must have of them to count. */
const COVER = 0.6;
const LEAST_PART = 0.005;
/** How many colours a map of labels has, how much of its areas they make up, and how far a colour varies. */
const COLOURS = { least: 3, most: 40, part: 0.9, spread: 4 };

/**
 * How many flat colours a picture consists of, where it looks like a map of labels; 0 where it does not: photographs have
 * more colours, gradients spread them, and line drawings have one area, the ground.
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

/** Whether it has no more than a few colours, exactly: numbers of classes lie close to each other. */
function hasFew({ width, height, data }: Raster, channels: number): boolean {
  const size = width * height;
  const seen = new Set<string>();
  for (let i = 0; i < size && seen.size <= FEW; i++) {
    seen.add(Array.from({ length: channels }, (_, c) => data[c * size + i]).join());
  }
  return seen.size <= FEW;
}

/** Adds a colour to those that it is near to, and joins them: a gradient becomes one colour that varies much. */
function joinNear(areas: Colour[], colour: Colour): Colour[] {
  const near = areas.filter((other) => other.distance(colour) < NEAR);
  for (const other of near) colour.join(other);
  return [...areas.filter((other) => !near.includes(other)), colour];
}

/** What pixels of about one colour have. */
class Colour {
  count = 0;
  private readonly sums = [0, 0, 0];
  private readonly squares = [0, 0, 0];
  /** The means of those that were joined. */
  private parts: number[][] = [];

  private get means(): number[][] {
    return this.parts.length > 0 ? this.parts : [this.sums.map((sum) => sum / this.count)];
  }

  /** The largest difference of a channel, of the means that are nearest. */
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

/** Of 16-bit values that take no more than 12: the power of two that they stay below; undefined for others. */
export function unusedBits({ data }: Raster): number | undefined {
  if (!(data instanceof Uint16Array)) return undefined;
  let most = 0;
  for (const value of data) if (value > most) most = value;
  return most > 0 && most < 4096 ? 2 ** Math.ceil(Math.log2(most + 1)) : undefined;
}
