import { LARGEST_HALF, toHalf } from '../util/half.ts';
import { encodeSafetensors, type NamedTensor } from '../util/safetensors.ts';
import { type CheckpointHeader, encodeHeader, GENERATOR } from './state.ts';

/**
 * The generator of a checkpoint as a file of its own, as safetensors pieces: all that painting takes, a third of the
 * whole or less. `half` stores the weights of convolutions in 16 bits, which halves that again; batch norm, biases and
 * what half precision cannot hold stay as they are: they are few, and errors there show most.
 * @param tensors of the checkpoint; others than the generator's are left out
 */
export function exportGenerator(
  header: CheckpointHeader,
  tensors: ReadonlyMap<string, NamedTensor>,
  { half }: { half: boolean },
): Uint8Array[] {
  const kept = new Map<string, NamedTensor>();
  for (const [name, tensor] of tensors) {
    if (name.startsWith(GENERATOR)) kept.set(name, half ? halved(tensor) : tensor);
  }
  return encodeSafetensors(kept, encodeHeader(header));
}

function halved(tensor: NamedTensor): NamedTensor {
  if (tensor.dtype !== 'F32' || tensor.shape.length !== 4) return tensor;
  for (const value of tensor.data) if (Math.abs(value) > LARGEST_HALF) return tensor;
  return { dtype: 'F16', shape: tensor.shape, data: toHalf(tensor.data) };
}
