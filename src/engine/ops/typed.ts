import type { Dtype } from '../gpu/storage.ts';

/**
 * A shader that copies, for this kind of element: whole numbers must not go through floats, of which some drivers would
 * make zeros. Such a shader writes its zero as `f32()`.
 */
export function typedSource(source: string, dtype: Dtype): string {
  return dtype === 'u32' || dtype === 'i32' ? source.replaceAll('f32', dtype) : source;
}
