import type { NormKind } from '../../../engine/nn/norm.ts';

/** The levels of a network that is named after the side of 2^depth; undefined if it is not such a name. */
export function depthOfSide(name: string, nameOf: (depth: number) => string, least: number): number | undefined {
  const depth = Math.log2(Number(/_(\d+)$/.exec(name)?.[1]));
  return Number.isInteger(depth) && depth >= least && name === nameOf(depth) ? depth : undefined;
}

/** Describes a network of the paper's kind: its name, channels, and its norm unless it is the usual one. */
export function describeNormed(name: string, hidden: number, norm: NormKind): string {
  return `${name} of ${hidden} channels${norm === 'batch' ? '' : `, norm ${norm}`}`;
}
