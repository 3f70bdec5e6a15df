import type { Recipe } from '../types.ts';
import { FLOATS } from './trial.ts';

/** The name of the system's Vulkan loader. */
export const SYSTEM_LOADER = 'libvulkan.so.1';

/** Exact timestamps. Dawn rounds them to 65 µs against timing attacks by web pages, which do not apply here. */
const DAWN_FLAGS = ['disable-dawn-features=timestamp_quantization'];

/** Dawn's flag for features that are experimental, or not known to be safe with every driver. */
export const EXPERIMENTAL = 'enable-dawn-features=allow_unsafe_apis';

/** Fills in a recipe's defaults. */
export function recipe({ flags = [], ...parts }: Partial<Recipe>): Recipe {
  return {
    env: {},
    libraries: [],
    loaders: [],
    request: {},
    trial: FLOATS,
    ...parts,
    flags: [...DAWN_FLAGS, ...flags],
  };
}
