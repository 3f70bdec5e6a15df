import type { Device } from '../../gpu/device.ts';
import type { ConvAlgorithm, ConvDirection, ConvKernels } from './algorithm.ts';
import { direct } from './algorithms/direct.ts';
import { gemm } from './algorithms/gemm.ts';
import { fold, foldGemm } from './algorithms/space_to_depth.ts';
import { tile } from './algorithms/tile.ts';
import { winograd4, winogradRows } from './algorithms/winograd.ts';
import type { ConvGeometry } from './geometry.ts';
import { convKey } from './key.ts';
import { findChoice, lookUp, shippedTable } from './tuning_tables.ts';

/** Every way of computing a convolution, by the first word of its choices. */
const variants: Readonly<Record<string, ConvAlgorithm>> = {
  tile,
  fold,
  winograd_rows: winogradRows,
  winograd4,
  gemm,
  fold_gemm: foldGemm,
  direct,
};

/** The text of every shader among which a tuning chooses. */
export const convSources: readonly string[] = Object.values(variants).flatMap((v) => v.sources);

/** Every choice that can compute this on this device. */
export function convCandidates(device: Device, direction: ConvDirection, g: ConvGeometry): string[] {
  return Object.values(variants).flatMap((v) => v.choices(device, g, direction));
}

/** What is taken without a measurement on this very device; see `tuning_tables.ts`. */
export function defaultChoice(device: Device, direction: ConvDirection, g: ConvGeometry): string {
  const candidates = convCandidates(device, direction, g);
  const choice = lookUp(shippedTable(device), convKey(direction, g), direction, g, candidates) ?? candidates[0];
  if (choice === undefined) throw new Error(`nothing computes ${convKey(direction, g)}`);
  return choice;
}

/** The kernels of a choice. */
export function kernelsOf(choice: string): ConvKernels {
  const variant = variants[choice.split(' ')[0] as string];
  if (!variant) throw new Error(`there is no way of computing convolutions named "${choice}"`);
  return variant.kernels(choice);
}

/**
 * The kernels for one convolution, chosen for each direction when it is recorded: what the device's owner asks for, else
 * the device's tuning table, else the shipped one. The device notes what was taken.
 */
export function convKernels(device: Device, g: ConvGeometry): ConvKernels {
  const chosen = (direction: ConvDirection): ConvKernels => {
    const choice = choose(device, direction, g);
    device.recordAlgorithm(convKey(direction, g), choice);
    return kernelsOf(choice);
  };
  return {
    forward: (...args) => chosen('forward').forward(...args),
    inputGradient: (...args) => chosen('inputGradient').inputGradient(...args),
    weightGradient: (...args) => chosen('weightGradient').weightGradient(...args),
  };
}

function choose(device: Device, direction: ConvDirection, g: ConvGeometry): string {
  const { convolution: asked, tuning } = device;
  if (asked === 'direct') return asked; // the reference, which says itself where it cannot
  const wish = asked === 'auto' ? tuning?.get(convKey(direction, g)) : asked;
  const named = wish === undefined ? undefined : findChoice(convCandidates(device, direction, g), wish);
  return named ?? defaultChoice(device, direction, g);
}
