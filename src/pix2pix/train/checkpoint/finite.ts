import { PixtapeError } from '../../../engine/util/errors.ts';
import type { NamedTensor } from '../../../engine/util/safetensors.ts';

/** Index of the first value that is not finite, or −1. A plain loop: callbacks for 10⁸ values would take seconds. */
export function firstNotFinite(data: Float32Array): number {
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (value - value !== 0) return i;
  }
  return -1;
}

/** The same for 16-bit floats: NaN and infinities have all exponent bits set. */
function firstHalfNotFinite(data: Uint16Array): number {
  for (let i = 0; i < data.length; i++) if (((data[i] as number) & 0x7c00) === 0x7c00) return i;
  return -1;
}

/**
 * Checks weights. A network with one NaN outputs only NaN, and training does not remove it.
 * @param file for the message
 * @throws PixtapeError naming the first value that is NaN or infinite
 */
export function checkFinite(values: ReadonlyMap<string, NamedTensor>, file: string): void {
  for (const [name, { dtype, data }] of values) {
    const at = dtype === 'F32' ? firstNotFinite(data) : dtype === 'F16' ? firstHalfNotFinite(data) : -1;
    if (at < 0) continue;
    const what = dtype === 'F32' ? String(data[at]) : 'NaN or infinite';
    throw new PixtapeError(
      `${file}: ${name}[${at}] is ${what}, so that it can neither paint nor go on training`,
      'Take an earlier checkpoint: an epoch-N.safetensors of the same folder can be copied over latest.safetensors. ' +
        'Or train anew, with a smaller learning rate.',
      { details: { file, tensor: name, index: at } },
    );
  }
}
