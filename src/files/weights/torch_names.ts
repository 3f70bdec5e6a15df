import { PixtapeError } from '../../engine/util/errors.ts';
import { bytesPerElement, type DType, elementCount } from '../../engine/util/safetensors.ts';
import { PickleGlobal, type PickleNames } from './pickle/pickle_machine.ts';
import { spanOf, type TorchStorage, type TorchTensor } from './torch_tensor.ts';

/** A tensor among the values of a pickle. */
export class TensorValue {
  readonly tensor: TorchTensor;

  constructor(tensor: TorchTensor) {
    this.tensor = tensor;
  }
}

/** A type of storage, or a tensor's data type. */
class TypeValue extends PickleGlobal {
  /** Undefined for bytes without a type. */
  readonly dtype: DType | undefined;

  constructor(name: string, dtype: DType | undefined) {
    super(name, () => dtype);
    this.dtype = dtype;
  }
}

class StorageValue {
  readonly storage: TorchStorage;

  constructor(storage: TorchStorage) {
    this.storage = storage;
  }
}

/** Stands for an object that is ignored. */
const IGNORED = Object.freeze({});

/** torch.FloatStorage, torch.cuda.FloatStorage and so on. */
const STORAGES: Readonly<Record<string, DType>> = {
  Double: 'F64',
  Float: 'F32',
  Half: 'F16',
  BFloat16: 'BF16',
  Long: 'I64',
  Int: 'I32',
  Short: 'I16',
  Char: 'I8',
  Byte: 'U8',
  Bool: 'BOOL',
};

/** torch.float32 and so on. */
const DTYPES: Readonly<Record<string, DType>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
};

/** Other values that training scripts save beside weights. They are ignored. */
const HARMLESS = new RegExp(
  `^(${[
    'argparse\\.Namespace',
    'pathlib\\.\\w*Path',
    'datetime\\.\\w+',
    'collections\\.deque',
    '(builtins|__builtin__)\\.(set|frozenset|complex|slice|bytearray|object|list|dict|tuple|int|float|str)',
    'copy_?reg\\._reconstructor',
    '_codecs\\.encode',
    'numpy\\.(dtype|ndarray|float64|float32|int64)',
    'numpy\\.(core|_core)\\.(multiarray\\.(scalar|_reconstruct)|numeric\\._frombuffer)',
    'torch\\.(device|Size)',
    '(pytorch_lightning|lightning|lightning_fabric|omegaconf|easydict|addict|yacs)\\..+',
    'typing\\.\\w+',
  ].join('|')})$`,
);

export interface TorchNames extends PickleNames {
  /** Bytes per element of each storage named so far. */
  readonly widths: ReadonlyMap<string, number>;
}

/**
 * What a file of `torch.save` may name: tensors, plain containers, and ignored values. Everything else is refused by
 * name, such as `os.system`.
 * @param path the file's name, for messages
 */
export function torchNames(path: string): TorchNames {
  const damaged = (what: string) =>
    new PixtapeError(`${path} cannot be read: ${what}`, 'Copy, download or save it again.');
  const tensor = (args: readonly unknown[], dtype?: DType) => new TensorValue(checkTensor(args, dtype, damaged));
  const known: Record<string, (args: readonly unknown[]) => unknown> = {
    'collections.OrderedDict': ([pairs]) => dictionary(pairs, damaged),
    'collections.defaultdict': () => new Map(),
    'collections.Counter': ([items]) => (items instanceof Map ? items : new Map()),
    'torch._utils._rebuild_tensor': (args) => tensor(args),
    'torch._utils._rebuild_tensor_v2': (args) => tensor(args),
    'torch._utils._rebuild_tensor_v3': (args) => tensor(args, args[6] instanceof TypeValue ? args[6].dtype : undefined),
    'torch._utils._rebuild_parameter': ([value]) => value,
    'torch._utils._rebuild_parameter_with_state': ([value]) => value,
    'torch._tensor._rebuild_from_type_v2': ([make, , args]) =>
      make instanceof PickleGlobal && Array.isArray(args) ? make.make(args) : IGNORED,
    'torch.nn.parameter.Parameter': ([value]) => value ?? IGNORED,
  };
  const widths = new Map<string, number>();
  return {
    widths,
    global(name) {
      const make = Object.hasOwn(known, name) ? known[name] : undefined;
      if (make) return new PickleGlobal(name, make);
      if (/^torch(\.storage)?\._?UntypedStorage$/.test(name)) return new TypeValue(name, undefined);
      const [, storage = ''] = /^torch(?:\.cuda)?\.(\w+)Storage$/.exec(name) ?? [];
      if (Object.hasOwn(STORAGES, storage)) return new TypeValue(name, STORAGES[storage]);
      const [, dtype = ''] = /^torch\.(\w+)$/.exec(name) ?? [];
      if (Object.hasOwn(DTYPES, dtype)) return new TypeValue(name, DTYPES[dtype]);
      if (HARMLESS.test(name)) return new PickleGlobal(name, () => IGNORED);
      throw refused(path, name);
    },
    persistent(id) {
      const storage = checkStorage(id, damaged);
      widths.set(storage.key, storage.dtype ? bytesPerElement(storage.dtype) : 1);
      return new StorageValue(storage);
    },
  };
}

function refused(path: string, name: string): PixtapeError {
  const shown = JSON.stringify(name.slice(0, 80));
  return new PixtapeError(
    `${path} is refused: it wants Python's ${shown}, where weights are tensors and plain containers; nothing of it was run`,
    "A whole network or other objects: in PyTorch, save the weights alone with torch.save(net.state_dict(), 'weights.pth'). " +
      'In a file from others it can also be an attack: then do not load it in PyTorch.',
  );
}

type Damaged = (what: string) => PixtapeError;

/** Builds an OrderedDict from its pairs, as Python 2 wrote them. Later ones begin empty. */
function dictionary(pairs: unknown, damaged: Damaged): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  if (pairs === undefined) return map;
  if (!Array.isArray(pairs)) throw damaged('an OrderedDict is made of what is no list');
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) throw damaged('an OrderedDict is made of what are no pairs');
    map.set(pair[0], pair[1]);
  }
  return map;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** ('storage', type, key, location, elements); in old files also a view of another: (key, first element, elements). */
function checkStorage(id: unknown, damaged: Damaged): TorchStorage {
  const [kind, type, key, , length, view] = Array.isArray(id) ? id : [];
  if (kind !== 'storage') throw damaged('it refers to something outside of it that is no storage of a tensor');
  if (!(type instanceof TypeValue) || typeof key !== 'string' || !isCount(length)) {
    throw damaged('a storage has no type, no name or no length');
  }
  if (!Array.isArray(view)) return { key, dtype: type.dtype, length, start: 0 };
  const [, start, elements] = view;
  if (!isCount(start) || !isCount(elements) || start + elements > length) {
    throw damaged(`a view of storage ${JSON.stringify(key)} lies outside of it`);
  }
  return { key, dtype: type.dtype, length: start + elements, start };
}

const MAX_AXES = 64;

/** (storage, offset, shape, strides, …) */
function checkTensor(args: readonly unknown[], given: DType | undefined, damaged: Damaged): TorchTensor {
  const [stored, offset, shape, stride] = args;
  if (!(stored instanceof StorageValue)) throw damaged('a tensor has no storage');
  const { storage } = stored;
  const dtype = storage.dtype ?? given;
  if (!dtype) throw damaged(`the tensor in storage ${JSON.stringify(storage.key)} has no type`);
  const counts = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length <= MAX_AXES && value.every(isCount);
  if (!isCount(offset) || !counts(shape) || !counts(stride) || shape.length !== stride.length) {
    throw damaged(`the tensor in storage ${JSON.stringify(storage.key)} has an impossible shape`);
  }
  const tensor = { storage, dtype, offset, shape, stride };
  const { first, end } = spanOf(tensor);
  if (!Number.isSafeInteger(elementCount(shape)) || !Number.isSafeInteger(end)) {
    throw damaged(`the tensor in storage ${JSON.stringify(storage.key)} has an impossible shape`);
  }
  if (elementCount(shape) > end - first) {
    throw damaged(
      `a tensor of [${shape.slice(0, 8)}] repeats the ${end - first} values that it has (clone() it first)`,
    );
  }
  return tensor;
}
