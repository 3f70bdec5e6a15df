import type { Device } from '../../../gpu/device.ts';
import { type ConvChoice, type ConvDirection, type ConvMethod, methodOf } from '../algorithm.ts';
import { direct } from '../algorithms/direct.ts';
import { gemm } from '../algorithms/gemm/gemm.ts';
import { matrix } from '../algorithms/gemm/matrix.ts';
import { grouped } from '../algorithms/grouped.ts';
import { dilatedRows, dilatedTile } from '../algorithms/space_to_batch.ts';
import { fold, foldGemm, foldMatrix } from '../algorithms/space_to_depth.ts';
import { tile } from '../algorithms/tile.ts';
import { winograd4, winogradRows } from '../algorithms/winograd.ts';
import { winogradGemm } from '../algorithms/winograd_gemm.ts';
import type { ConvGeometry } from '../geometry.ts';

/** Every convolution algorithm. */
const METHODS: readonly ConvMethod[] = [
  methodOf(tile),
  methodOf(fold),
  methodOf(winogradRows),
  methodOf(winograd4),
  methodOf(gemm),
  methodOf(foldGemm),
  methodOf(matrix),
  methodOf(foldMatrix),
  methodOf(winogradGemm),
  methodOf(dilatedTile),
  methodOf(dilatedRows),
  methodOf(grouped),
  methodOf(direct),
];

export const METHOD_NAMES: readonly string[] = METHODS.map((m) => m.name);

/** The texts of all shaders among which tuning chooses. */
export const convSources: readonly string[] = METHODS.flatMap((m) => m.sources);

/** Every choice that supports this convolution on this device. */
export function convCandidates(device: Device, direction: ConvDirection, g: ConvGeometry): ConvChoice[] {
  return METHODS.flatMap((m) => m.choices(device, g, direction));
}

/** A request: an algorithm, with this config or its own default. */
export interface ConvRequest {
  algorithm: string;
  choice: ConvChoice | undefined;
}

/** Parses `tile` or `tile 2x4x32`; undefined for an unknown algorithm, or a config that it cannot parse. */
export function parseRequest(text: string): ConvRequest | undefined {
  const [name = '', ...words] = text.split(' ');
  const method = METHODS.find((m) => m.name === name);
  if (!method) return undefined;
  const choice = method.parse(words.join(' '));
  return choice || words.length === 0 ? { algorithm: name, choice } : undefined;
}

/** The choice of that name. @throws Error if there is none */
export function parseChoice(text: string): ConvChoice {
  const choice = parseRequest(text)?.choice;
  if (!choice) throw new Error(`"${text}" is not a convolution algorithm`);
  return choice;
}

/** The first candidate that satisfies the request. */
export function findChoice(candidates: readonly ConvChoice[], request: ConvRequest): ConvChoice | undefined {
  const { algorithm, choice } = request;
  return candidates.find((c) => (choice ? c.name === choice.name : c.algorithm === algorithm));
}
