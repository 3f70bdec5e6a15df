import { type StateKind, sameShape, type Tensor } from '../tape/tensor.ts';
import { PixtapeError } from '../util/errors.ts';
import { fromBFloat16, fromHalf } from '../util/half.ts';
import type { NamedTensor } from '../util/safetensors.ts';

interface Entry {
  name: string;
  tensor: Tensor;
  kind: StateKind;
}

export interface LoadOptions {
  /** Whether both sides must have the same names; by default true. */
  strict?: boolean;
  /** Where the values come from, for errors: a file's name. */
  source?: string;
}

export interface LoadResult {
  /** Names that the module has and the values lack. */
  missing: string[];
  /** Names that the values have and the module lacks. */
  unexpected: string[];
}

/**
 * Checks that these values fit these tensors: names, shapes, and floats for floats.
 * @throws PixtapeError that names the first tensor that does not fit
 */
export function checkState(
  entries: readonly Entry[],
  values: ReadonlyMap<string, NamedTensor>,
  { strict = true, source = 'the state' }: LoadOptions = {},
): LoadResult {
  const hint = 'It belongs to another model or another configuration.';
  const known = new Set(entries.map((e) => e.name));
  const unexpected = [...values.keys()].filter((name) => !known.has(name));
  const missing = entries.flatMap(({ name }) => (values.has(name) ? [] : [name]));
  if (strict && unexpected.length > 0) {
    throw new PixtapeError(`${source}: the model has no tensor named ${unexpected[0]}`, hint, {
      details: { unexpected },
    });
  }
  if (strict && missing.length > 0) {
    throw new PixtapeError(`${source}: the tensor ${missing[0]} is missing`, hint, { details: { missing } });
  }
  for (const { name, tensor, kind } of entries) {
    const value = values.get(name);
    if (!value) continue;
    const wanted = kind === 'counter' ? 'I64' : 'F32';
    const dtypeFits = (kind === 'counter' ? COUNTS : FLOATS).has(value.dtype);
    // A counter is a scalar in PyTorch, and one element here.
    const shapeFits = kind === 'counter' ? value.data.length === 1 : sameShape(value.shape, tensor.shape);
    if (dtypeFits && shapeFits) continue;
    const shape = kind === 'counter' ? [] : tensor.shape;
    throw new PixtapeError(
      `${source}: ${name} is ${value.dtype} [${value.shape}], the model's is ${wanted} [${shape}]`,
      hint,
      { details: { name, dtype: value.dtype, shape: value.shape } },
    );
  }
  return { missing, unexpected };
}

const FLOATS: ReadonlySet<string> = new Set(['F32', 'F16', 'BF16', 'F64']);
const COUNTS: ReadonlySet<string> = new Set(['I64', 'I32', 'U32']);

/** Writes values that `checkState` has accepted. */
export function writeState(entries: readonly Entry[], values: ReadonlyMap<string, NamedTensor>): void {
  for (const { name, tensor, kind } of entries) {
    const value = values.get(name);
    if (!value) continue;
    if (kind === 'counter') tensor.device.write(tensor.storage, Uint32Array.of(Number(value.data[0])));
    else tensor.write(floatsOf(value));
  }
}

/** Floats of any width as float32. */
export function floatsOf({ dtype, data }: NamedTensor): Float32Array {
  if (dtype === 'F16') return fromHalf(data);
  if (dtype === 'BF16') return fromBFloat16(data);
  return data instanceof Float32Array ? data : Float32Array.from(data as ArrayLike<number>);
}
