import type { ConvDirection } from '../algorithm.ts';
import { type ConvGeometry, positions } from '../geometry.ts';

/**
 * A convolution in one direction as the key of a tuning table: everything that its time depends on, e.g. `forward
 * 4x64x128x128 32x64x3x3 s1x1 p1x1` (input, weight, stride, padding; heights before widths). Dilation and groups follow
 * if there are any, ` d2x2 g4`, and ` f16` if halves may be multiplied.
 */
export function convKey(direction: ConvDirection, g: ConvGeometry): string {
  const input = `${g.batch}x${g.inC}x${g.inH}x${g.inW}`;
  const weight = `${g.outC}x${g.inC / g.groups}x${g.kernelH}x${g.kernelW}`;
  const dilation = g.dilationH * g.dilationW > 1 ? ` d${g.dilationH}x${g.dilationW}` : '';
  const groups = g.groups > 1 ? ` g${g.groups}` : '';
  return `${direction} ${input} ${weight} s${g.strideH}x${g.strideW} p${g.padH}x${g.padW}${dilation}${groups}${g.halves ? ' f16' : ''}`;
}

const SIDES = (letter: string) => ` ${letter}(\\d+)x(\\d+)`;
const FORM = new RegExp(
  '^(forward|inputGradient|weightGradient) (\\d+)x(\\d+)x(\\d+)x(\\d+) (\\d+)x(\\d+)x(\\d+)x(\\d+)' +
    `${SIDES('s')}${SIDES('p')}(?:${SIDES('d')})?(?: g(\\d+))?( f16)?$`,
);

/** Parses a key; undefined if it is malformed. */
export function parseConvKey(key: string): { direction: ConvDirection; g: ConvGeometry } | undefined {
  const match = FORM.exec(key);
  if (!match) return undefined;
  const number = (i: number, otherwise = 0) => (match[i] === undefined ? otherwise : Number(match[i]));
  const [batch, inC, inH, inW, outC] = [number(2), number(3), number(4), number(5), number(6)];
  const [kernelH, kernelW, strideH, strideW] = [number(8), number(9), number(10), number(11)];
  const [padH, padW, dilationH, dilationW] = [number(12), number(13), number(14, 1), number(15, 1)];
  const outH = positions(inH, kernelH, strideH, padH, dilationH);
  const outW = positions(inW, kernelW, strideW, padW, dilationW);
  const sides = { batch, inC, inH, inW, outC, outH, outW, kernelH, kernelW };
  const g: ConvGeometry = { ...sides, strideH, strideW, padH, padW, dilationH, dilationW, groups: number(16, 1) };
  if (match[17]) g.halves = true;
  return { direction: match[1] as ConvDirection, g };
}
