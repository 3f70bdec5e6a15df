import {
  bytesPerElement,
  type DType,
  elementCount,
  type NamedTensor,
  tensorFromBytes,
} from '../../engine/util/safetensors.ts';

/** Bytes that tensors share, kept outside the pickle. */
export interface TorchStorage {
  key: string;
  /** Undefined for bytes without a type: the tensor then gives it. */
  dtype: DType | undefined;
  /** Elements, or bytes without a type. */
  length: number;
  /** First element in the storage of that key. */
  start: number;
}

/** A tensor as a window into a storage: offset, shape and strides in elements. */
export interface TorchTensor {
  storage: TorchStorage;
  dtype: DType;
  offset: number;
  shape: number[];
  stride: number[];
}

/** The first element of its storage that a tensor uses, and one past the last. Equal for an empty tensor. */
export function spanOf({ storage, offset, shape, stride }: TorchTensor): { first: number; end: number } {
  const first = storage.start + offset;
  if (elementCount(shape) === 0) return { first, end: first };
  return { first, end: first + 1 + shape.reduce((sum, side, i) => sum + (side - 1) * (stride[i] as number), 0) };
}

/** Copies a tensor into row-major order from the bytes of its span. */
export function gather(tensor: TorchTensor, span: Uint8Array): NamedTensor {
  const { dtype, shape, stride } = tensor;
  const count = span.byteLength / bytesPerElement(dtype);
  const source = tensorFromBytes({ dtype, shape: [count], start: 0, end: span.byteLength }, span);
  if (isContiguous(shape, stride)) return { ...source, shape: [...shape] } as NamedTensor;
  const from = source.data as unknown as ArrayLike<number> & { constructor: new (n: number) => Record<number, number> };
  const data = new from.constructor(elementCount(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let at = 0, place = 0; at < elementCount(shape); at++) {
    data[at] = from[place] as number;
    // Count up like an odometer, the last axis first.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const [side, step] = [shape[axis] as number, stride[axis] as number];
      place += step;
      index[axis] = (index[axis] as number) + 1;
      if (index[axis] !== side) break;
      place -= side * step;
      index[axis] = 0;
    }
  }
  return { dtype, shape: [...shape], data } as unknown as NamedTensor;
}

/** Whether elements are contiguous in row-major order. The stride of an axis of length 1 does not matter. */
function isContiguous(shape: readonly number[], stride: readonly number[]): boolean {
  let wanted = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const side = shape[axis] as number;
    if (side !== 1 && stride[axis] !== wanted) return false;
    wanted *= side;
  }
  return true;
}
