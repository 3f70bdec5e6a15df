import type { Dtype } from '../gpu/storage.ts';

/**
 * Adapts a shader that copies to a type of element. Integers must not pass through floats, because some drivers flush them
 * to zero as denormals. Such a shader writes its zero as `f32()`.
 */
export function typedSource(source: string, dtype: Dtype): string {
  return dtype === 'u32' || dtype === 'i32' ? source.replaceAll('f32', dtype) : source;
}
