import { PixtapeError } from '../../engine/util/errors.ts';
import { bytesPerElement, elementCount } from '../../engine/util/safetensors.ts';
import { TensorValue } from './torch_names.ts';
import type { TorchTensor } from './torch_tensor.ts';

/** Deepest nesting to search: {'model': {'state_dict': {'netG': {…}}}}. */
const MAX_DEPTH = 8;
/** Most values to visit. A pickle can refer to one container very often. */
const MAX_VALUES = 1_000_000;
/** Most bytes of tensors, as a multiple of the file. Tied weights share values, but not many times. */
const MAX_SHARING = 4;

/**
 * Finds every tensor in the value that `torch.save` stored, at any depth: `{'netG': {'conv1.weight': …}}` has
 * `netG.conv1.weight`. List items are named by index.
 * @param fileBytes size of the whole file
 * @throws PixtapeError if there is none, or if they would take far more room than the file
 */
export function findTensors(root: unknown, fileBytes: number, path: string): Map<string, TorchTensor> {
  const found = new Map<string, TorchTensor>();
  let looked = 0;
  let bytes = 0;
  const visit = (value: unknown, name: string, depth: number): void => {
    if (++looked > MAX_VALUES) throw bomb(path, `its containers lead to more than ${MAX_VALUES} values`);
    if (value instanceof TensorValue) {
      const { tensor } = value;
      if (found.has(name)) throw bomb(path, `two tensors in it are named ${name}`);
      bytes += elementCount(tensor.shape) * bytesPerElement(tensor.dtype);
      if (bytes > MAX_SHARING * fileBytes) throw bomb(path, 'its tensors share their values again and again');
      found.set(name, tensor);
    } else if (depth < MAX_DEPTH && (value instanceof Map || Array.isArray(value))) {
      for (const [key, item] of value.entries()) {
        if (typeof key !== 'string' && typeof key !== 'number') continue;
        visit(item, name === '' ? String(key) : `${name}.${key}`, depth + 1);
      }
    }
  };
  visit(root, '', 0);
  if (found.size > 0) return found;
  throw new PixtapeError(`${path} holds no tensors`, "Save the weights: torch.save(net.state_dict(), 'weights.pth')");
}

function bomb(path: string, what: string): PixtapeError {
  return new PixtapeError(
    `${path} is refused: ${what}`,
    "In PyTorch, save the weights alone: torch.save(net.state_dict(), 'weights.pth')",
  );
}
