import type { Device } from '../../../gpu/device.ts';
import { programBeingRecorded } from '../../../tape/current.ts';
import type { ConvChoice, ConvDirection, ConvKernels } from '../algorithm.ts';
import type { ConvGeometry } from '../geometry.ts';
import { convCandidates, findChoice, parseChoice } from './registry.ts';
import { lookUp, shippedTable } from './tables.ts';
import { convTuning } from './tuning.ts';

/** The default choice on this device; see `tables.ts`. */
export function defaultChoice(device: Device, direction: ConvDirection, g: ConvGeometry): ConvChoice {
  const candidates = convCandidates(device, direction, g);
  // `direct` supports what no other algorithm does. Elsewhere it is a candidate only if it is not slow.
  return lookUp(shippedTable(device), direction, g, candidates) ?? candidates[0] ?? parseChoice('direct');
}

/**
 * The kernels for one convolution, chosen per direction when it is recorded: by the owner's request, else by the
 * device's tuning table, else by the shipped one. The device's tuning notes the choices.
 */
export function convKernels(device: Device, sizes: ConvGeometry): ConvKernels {
  const halves = device.capabilities.matrixUnit && programBeingRecorded()?.precision === 'f16';
  const g: ConvGeometry = halves ? { ...sizes, halves } : sizes;
  const chosen = (direction: ConvDirection): ConvKernels => {
    const choice = choose(device, direction, g);
    convTuning(device).note(direction, g, choice);
    return choice.kernels;
  };
  return {
    forward: (...args) => chosen('forward').forward(...args),
    inputGradient: (...args) => chosen('inputGradient').inputGradient(...args),
    weightGradient: (...args) => chosen('weightGradient').weightGradient(...args),
    get inputGradientBehind() {
      return chosen('inputGradient').inputGradientBehind;
    },
    get inputGradientOnTop() {
      return chosen('inputGradient').inputGradientOnTop;
    },
    get weightAndBiasGradient() {
      return chosen('weightGradient').weightAndBiasGradient;
    },
  };
}

function choose(device: Device, direction: ConvDirection, g: ConvGeometry): ConvChoice {
  const tuning = convTuning(device);
  // `direct` is no candidate where it is slow, but an explicit request for it is granted.
  if (tuning.algorithm === 'direct') return parseChoice('direct');
  const request = tuning.requestFor(direction, g);
  return (request && findChoice(convCandidates(device, direction, g), request)) ?? defaultChoice(device, direction, g);
}
