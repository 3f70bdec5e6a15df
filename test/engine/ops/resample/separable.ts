import { at, type NdArray, planes } from '../nd.ts';
import { four } from '../shapes.ts';

/** Means and resizes of pictures in float64: linear maps of rows, then of columns. */

/** The inputs of an output along an axis: positions and weights. */
export type Taps = { from: number; weight: number }[];

/** Each output combines its row's and its column's inputs: y = R x Cᵀ for each plane. */
function separable(x: NdArray, rows: Taps[], cols: Taps[]): NdArray {
  const [n, c, h, w] = four(x.shape);
  return planes([n, c, rows.length, cols.length], (plane, i, j) => {
    let sum = 0;
    for (const row of rows[i] as Taps) {
      for (const col of cols[j] as Taps) {
        sum += row.weight * col.weight * at(x, (plane * h + row.from) * w + col.from);
      }
    }
    return sum;
  });
}

export const outputs = (length: number, taps: (o: number) => Taps): Taps[] => Array.from({ length }, (_, o) => taps(o));
export const mean = (first: number, end: number, count = end - first): Taps =>
  Array.from({ length: end - first }, (_, i) => ({ from: first + i, weight: 1 / count }));

export function adapting(length: number, to: number): Taps[] {
  return outputs(to, (o) => mean(Math.floor((o * length) / to), Math.ceil(((o + 1) * length) / to)));
}

/** PyTorch's float32 product. */
export function nearest(length: number, to: number): Taps[] {
  const scale = Math.fround(length / to);
  return outputs(to, (o) => [{ from: Math.min(Math.floor(Math.fround(o * scale)), length - 1), weight: 1 }]);
}

/** The source position of output o, as PyTorch defines it. */
function fallsAt(o: number, length: number, to: number, align: boolean): number {
  if (align) return to > 1 ? (o * (length - 1)) / (to - 1) : 0;
  return ((o + 0.5) * length) / to - 0.5;
}

export function linear(length: number, to: number, align: boolean): Taps[] {
  return outputs(to, (o) => {
    const source = Math.max(fallsAt(o, length, to, align), 0);
    const first = Math.min(Math.floor(source), length - 1);
    if (first === length - 1) return [{ from: first, weight: 1 }];
    return [
      { from: first, weight: 1 - (source - first) },
      { from: first + 1, weight: source - first },
    ];
  });
}

export function cubic(length: number, to: number, align: boolean): Taps[] {
  const a = -0.75;
  const weight = (d: number) => {
    if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
    return a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a;
  };
  return outputs(to, (o) => {
    const source = fallsAt(o, length, to, align);
    const first = Math.floor(source);
    return [-1, 0, 1, 2].map((k) => {
      const from = Math.min(Math.max(first + k, 0), length - 1);
      return { from, weight: weight(Math.abs(source - first - k)) };
    });
  });
}

export function resized(
  x: NdArray | undefined,
  rows: (length: number) => Taps[],
  cols: (length: number) => Taps[],
): NdArray {
  const input = x as NdArray;
  const [, , h, w] = four(input.shape);
  return separable(input, rows(h), cols(w));
}
