import type { DType, NamedTensor } from '../../engine/util/safetensors.ts';

/** An open file of named tensors, safetensors or PyTorch's. Reads one tensor at a time. Close it when done. */
export interface WeightsFile {
  readonly path: string;
  /** Type and shape of each, by name. */
  readonly entries: ReadonlyMap<string, { readonly dtype: DType; readonly shape: readonly number[] }>;
  /** Reads one tensor. @throws PixtapeError if there is none of that name */
  read(name: string): Promise<NamedTensor>;
  close(): Promise<void>;
}
