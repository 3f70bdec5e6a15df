import { detachedDevice } from '../../../engine/gpu/dry_run.ts';
import { Rng } from '../../../engine/ops/random/rng.ts';
import { fromHalf, LARGEST_HALF, toHalf } from '../../../engine/util/half.ts';
import { encodeSafetensors, type NamedTensor } from '../../../engine/util/safetensors.ts';
import { createGenerator } from '../../models/networks.ts';
import { encodeOnnx } from '../../models/onnx/encode.ts';
import { GENERATORS } from '../../models/registry/generators.ts';
import { type Statistics, useStatistics, usualStatistics } from '../steps/predictor.ts';
import { checkFinite } from './finite.ts';
import { type CheckpointHeader, encodeHeader, ofFile, restoreGenerator } from './state.ts';

/**
 * Encodes the generator of a checkpoint as a safetensors file of its own, in pieces. It is enough for inference, and a
 * third of the size or less. `half` stores the weights of convolutions in 16 bits, which halves that again. Norms,
 * biases and values outside the range of half precision stay in 32 bits: they are few, and sensitive to errors.
 * @param tensors of the generator, under its own names, so that PyTorch loads the file
 * @param file the checkpoint's name, for messages
 * @throws PixtapeError if a value is NaN or infinite
 */
export function exportGenerator(
  header: CheckpointHeader,
  tensors: ReadonlyMap<string, NamedTensor>,
  { half, file = 'the checkpoint' }: { half: boolean; file?: string },
): Uint8Array[] {
  checkFinite(tensors, file);
  const kept = new Map<string, NamedTensor>();
  for (const [name, tensor] of tensors) kept.set(name, half ? halved(tensor) : tensor);
  return encodeSafetensors(kept, encodeHeader(header));
}

/**
 * Encodes the generator of a checkpoint, without dropout, as an ONNX file: see `encodeOnnx`. Its configuration, step and
 * statistics are in the model's metadata_props. Needs no GPU.
 * @param tensors of the generator, under its own names; F16 becomes F32
 * @param file the checkpoint's name, for messages
 * @param statistics as for `Predictor`
 * @throws PixtapeError if a tensor does not fit the configuration, or the file would exceed ONNX's limit
 */
export async function exportOnnx(
  { config, step }: CheckpointHeader,
  tensors: ReadonlyMap<string, NamedTensor>,
  file: string,
  statistics: Statistics = usualStatistics(config.generator),
): Promise<Uint8Array[]> {
  const device = await detachedDevice();
  const generator = ofFile(file, () => createGenerator(device, config, new Rng(device, config.seed)));
  restoreGenerator(generator, tensors, file); // Checks names and shapes; a dry-run device keeps nothing.
  useStatistics(generator, statistics);
  const values = new Map<string, Float32Array>();
  for (const [name, { dtype, data }] of tensors) {
    if (dtype === 'F32' || dtype === 'F16') {
      values.set(name, dtype === 'F32' ? data : fromHalf(data));
    }
  }
  const metadata = { config: JSON.stringify(config), step: String(step), statistics };
  return encodeOnnx(GENERATORS[config.netG], generator, values, metadata);
}

function halved(tensor: NamedTensor): NamedTensor {
  if (tensor.dtype !== 'F32' || tensor.shape.length !== 4) return tensor;
  for (const value of tensor.data) if (Math.abs(value) > LARGEST_HALF) return tensor;
  return { dtype: 'F16', shape: tensor.shape, data: toHalf(tensor.data) };
}
