import type { Recipe } from '../types.ts';
import { FLOATS } from './trial.ts';

/** The name under which the system's loader is found, if it has one. */
export const SYSTEM_LOADER = 'libvulkan.so.1';

/** Timestamps in nanoseconds. Dawn rounds them to 65 µs to blunt timing attacks by web pages, of which there are none here. */
const DAWN_FLAGS = ['disable-dawn-features=timestamp_quantization'];

/** A recipe of which only what is particular need be told. */
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
