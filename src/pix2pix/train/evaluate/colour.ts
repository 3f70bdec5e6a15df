/** Overlap of two distributions of colours in Lab: 1 if they are equal, 0 if they have nothing in common. */
export interface LabOverlap {
  L: number;
  a: number;
  b: number;
}

/** Bins of one unit: L from 0 to 100, a and b from −128 to 128, which cover all of sRGB. */
const BINS = { L: 100, ab: 256 };
const AB_FROM = -128;

/**
 * Histograms of L, a and b over all pixels of a set of pictures. Pictures are (3, H, W) or (1, H, W), sRGB in [0, 1].
 * The paper compares these distributions of outputs and real pictures: a network trained with L1 alone keeps to average
 * colours.
 * Source: Isola et al. 2017, section 4.2 and figure 7.
 */
export class LabHistograms {
  private readonly L = new Float64Array(BINS.L);
  private readonly a = new Float64Array(BINS.ab);
  private readonly b = new Float64Array(BINS.ab);
  private pixels = 0;

  /** Counts the pixels of a picture. */
  add(picture: Float32Array, plane: number): void {
    const second = picture.length < 3 * plane ? 0 : plane;
    const at = (i: number) => picture[i] as number;
    for (let i = 0; i < plane; i++) {
      const [L, a, b] = lab(at(i), at(second + i), at(2 * second + i));
      count(this.L, Math.floor(L));
      count(this.a, Math.floor(a - AB_FROM));
      count(this.b, Math.floor(b - AB_FROM));
    }
    this.pixels += plane;
  }

  /** Histogram intersection, Σ min(p, q) over shares p and q. Source: Swain & Ballard 1991, "Color Indexing". */
  overlap(other: LabHistograms): LabOverlap {
    const of = (p: Float64Array, q: Float64Array) => {
      return p.reduce((sum, n, i) => sum + Math.min(n / this.pixels, (q[i] as number) / other.pixels), 0);
    };
    return { L: of(this.L, other.L), a: of(this.a, other.a), b: of(this.b, other.b) };
  }
}

/** Counts a value. White has an L of 100, or slightly more after rounding, and belongs to the last bin. */
function count(histogram: Float64Array, bin: number): void {
  const at = Math.min(Math.max(bin, 0), histogram.length - 1);
  histogram[at] = (histogram[at] as number) + 1;
}

/**
 * sRGB in [0, 1] → CIE L*a*b* of 1976 for the white of D65, in float64.
 * Source: IEC 61966-2-1 for the encoding and the primaries, CIE 15 for Lab, ASTM E308 for the white (0.95047, 1, 1.08883).
 */
export function lab(red: number, green: number, blue: number): [L: number, a: number, b: number] {
  const [r, g, b] = [linear(red), linear(green), linear(blue)];
  // The matrix has seven digits: with the standard's four, red is off by 0.02.
  const x = root((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = root(0.2126729 * r + 0.7151522 * g + 0.0721749 * b);
  const z = root((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const linear = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

const EDGE = 6 / 29;
const root = (t: number): number => (t > EDGE ** 3 ? Math.cbrt(t) : t / (3 * EDGE * EDGE) + 4 / 29);
