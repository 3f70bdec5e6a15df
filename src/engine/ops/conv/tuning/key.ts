import type { ConvDirection } from '../algorithm.ts';
import { type ConvGeometry, positions } from '../geometry.ts';

/**
 * One convolution in one direction, as the key of a tuning table: all that its time depends on, e.g.
 * `forward 4x64x128x128 32x64x3x3 s1x1 p1x1` (input, weight, stride, padding; heights before widths).
 */
export function convKey(direction: ConvDirection, g: ConvGeometry): string {
  const input = `${g.batch}x${g.inC}x${g.inH}x${g.inW}`;
  const weight = `${g.outC}x${g.inC}x${g.kernelH}x${g.kernelW}`;
  return `${direction} ${input} ${weight} s${g.strideH}x${g.strideW} p${g.padH}x${g.padW}`;
}

const FORM =
  /^(forward|inputGradient|weightGradient) (\d+)x(\d+)x(\d+)x(\d+) (\d+)x(\d+)x(\d+)x(\d+) s(\d+)x(\d+) p(\d+)x(\d+)$/;

/** What a key stands for; undefined where it is none. */
export function parseConvKey(key: string): { direction: ConvDirection; g: ConvGeometry } | undefined {
  const match = FORM.exec(key);
  if (!match) return undefined;
  const numbers = match.slice(2).map(Number);
  const [batch, inC, inH, inW, outC, , kernelH, kernelW, strideH, strideW, padH, padW] = numbers as [
    ...[number, number, number, number],
    ...[number, number, number, number],
    ...[number, number, number, number],
  ];
  const outH = positions(inH, kernelH, strideH, padH);
  const outW = positions(inW, kernelW, strideW, padW);
  const g = { batch, inC, inH, inW, outC, outH, outW, kernelH, kernelW, strideH, strideW, padH, padW };
  return { direction: match[1] as ConvDirection, g };
}
