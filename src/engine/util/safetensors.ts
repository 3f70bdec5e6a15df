import { PixtapeError } from './errors.ts';

/**
 * The safetensors format (https://github.com/huggingface/safetensors#format): eight bytes with the header's length
 * (u64, little-endian), the header as JSON, then the tensors' bytes, little-endian, without holes.
 * Works on plain bytes, so that Node and browsers share it; files are read and written in `files.ts`.
 */

/** Element types and the array that holds them. F16 and BF16 stay as raw bits, BOOL as bytes 0 and 1. */
export interface ArrayOfDType {
  F64: Float64Array;
  F32: Float32Array;
  F16: Uint16Array;
  BF16: Uint16Array;
  I64: BigInt64Array;
  U64: BigUint64Array;
  I32: Int32Array;
  U32: Uint32Array;
  I16: Int16Array;
  U16: Uint16Array;
  I8: Int8Array;
  U8: Uint8Array;
  BOOL: Uint8Array;
}
export type DType = keyof ArrayOfDType;

/** One tensor, row-major. `data.length` is the product of `shape`: 1 for a scalar, whose shape is empty. */
export type NamedTensor = { [D in DType]: { dtype: D; shape: number[]; data: ArrayOfDType[D] } }[DType];

/** The position of one tensor: byte offsets from the start of the file, `end` exclusive. */
export interface TensorEntry {
  dtype: DType;
  shape: number[];
  start: number;
  end: number;
}

export interface SafetensorsHeader {
  metadata: Record<string, string>;
  entries: Map<string, TensorEntry>;
}

const ARRAYS: {
  [D in DType]: { new (b: ArrayBuffer, o: number, n: number): ArrayOfDType[D]; BYTES_PER_ELEMENT: number };
} = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** Bytes per element, on disk and in memory. */
export const bytesPerElement = (dtype: DType): number => ARRAYS[dtype].BYTES_PER_ELEMENT;

/**
 * The longest header accepted, as in the reference implementation. A longer one means that the file is something else.
 */
const MAX_HEADER_BYTES = 100_000_000;

const isDType = (value: unknown): value is DType => typeof value === 'string' && Object.hasOwn(ARRAYS, value);

/** The product of the sides; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((side) => Number.isSafeInteger(side) && side >= 0);
}

/**
 * Encodes tensors as the chunks of a safetensors file, to be written in order. The tensors' chunks are views of the
 * given arrays: write them before the arrays change.
 * Wide elements come first, and names are sorted within a width. So every tensor is aligned, and the same content
 * always gives the same bytes.
 * @throws PixtapeError when an array's length is not the product of its shape.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, NamedTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const width = (tensor: NamedTensor): number => bytesPerElement(tensor.dtype);
  const sorted = [...tensors].sort(([a, ta], [b, tb]) => width(tb) - width(ta) || (a < b ? -1 : 1));
  const keys = Object.keys(metadata).sort();
  const fields = [
    `"__metadata__":{${keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`).join(',')}}`,
  ];
  const pieces: Uint8Array[] = [];
  let offset = 0;
  for (const [name, tensor] of sorted) {
    const { dtype, shape, data } = tensor;
    const problem =
      name === '__metadata__'
        ? 'that name is reserved by the format'
        : !isShape(shape)
          ? `[${shape}] is not a shape`
          : data.length !== elementCount(shape)
            ? `shape [${shape}] takes ${elementCount(shape)} elements, but there are ${data.length}`
            : data.BYTES_PER_ELEMENT !== width(tensor)
              ? `${dtype} takes ${width(tensor)} bytes an element, but the array has ${data.BYTES_PER_ELEMENT}`
              : undefined;
    if (problem) throw new PixtapeError(`Tensor "${name}" cannot be written as safetensors: ${problem}.`);
    const end = offset + data.byteLength;
    const entry = { dtype, shape, data_offsets: [offset, end] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    pieces.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset = end;
  }
  const text = new TextEncoder().encode(`{${fields.join(',')}}`);
  // The format allows spaces after the JSON. They align the data to eight bytes.
  const head = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(text, 8);
  return [head, ...pieces];
}

/**
 * The length in bytes of the header that follows the first eight bytes.
 * @param first the file's first bytes (at least 8, fewer only when the file is shorter)
 * @param fileBytes size of the whole file in bytes
 * @throws PixtapeError when the file is cut short or is not a safetensors file.
 */
export function safetensorsHeaderLength(first: Uint8Array, fileBytes: number, file: string): number {
  if (fileBytes < 8) throw cutShort(file, fileBytes, 'at least 8');
  const length = Number(new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true));
  if (length < 2 || length > MAX_HEADER_BYTES) {
    throw malformed(file, `its first eight bytes give an impossible header length (${length})`);
  }
  if (8 + length > fileBytes) throw cutShort(file, fileBytes, `at least ${8 + length}`);
  return length;
}

/**
 * Reads and checks the header: types, shapes, and that the tensors cover the rest of the file exactly once.
 * @param json the header's bytes, without the eight of its length
 * @param fileBytes size of the whole file in bytes
 * @throws PixtapeError that names the file, and the tensor at fault, if any.
 */
export function parseSafetensorsHeader(json: Uint8Array, fileBytes: number, file: string): SafetensorsHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw malformed(file, `its header is not valid JSON (${(cause as Error).message})`);
  }
  if (!isRecord(parsed)) throw malformed(file, 'its header is not a JSON object');

  const metadata: Record<string, string> = {};
  const entries = new Map<string, TensorEntry>();
  const dataStart = 8 + json.length;
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') {
      if (!isRecord(value)) throw malformed(file, '__metadata__ is not a JSON object');
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== 'string') throw malformed(file, `__metadata__ "${key}" is not a string`);
        metadata[key] = text;
      }
    } else {
      entries.set(name, parseEntry(name, value, dataStart, file));
    }
  }
  checkCoverage(entries, dataStart, fileBytes, file);
  return { metadata, entries };
}

/** Converts the bytes of one tensor to its array: a view if they are aligned, a copy if not. */
export function tensorFromBytes(entry: TensorEntry, bytes: Uint8Array): NamedTensor {
  const ArrayType = ARRAYS[entry.dtype];
  const aligned = bytes.byteOffset % ArrayType.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  const count = elementCount(entry.shape);
  const data = new ArrayType(aligned.buffer as ArrayBuffer, aligned.byteOffset, count);
  return { dtype: entry.dtype, shape: entry.shape, data } as NamedTensor;
}

/**
 * Decodes a whole file in memory. The tensors are views of `bytes` where alignment allows it.
 * @param file the file's name, for messages
 * @throws PixtapeError for anything that is not a complete and consistent safetensors file.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  file: string,
): { metadata: Record<string, string>; tensors: Map<string, NamedTensor> } {
  const length = safetensorsHeaderLength(bytes, bytes.length, file);
  const { metadata, entries } = parseSafetensorsHeader(bytes.subarray(8, 8 + length), bytes.length, file);
  const tensors = new Map<string, NamedTensor>();
  for (const [name, entry] of entries) {
    tensors.set(name, tensorFromBytes(entry, bytes.subarray(entry.start, entry.end)));
  }
  return { metadata, tensors };
}

function parseEntry(name: string, value: unknown, dataStart: number, file: string): TensorEntry {
  const bad = (what: string): PixtapeError => malformed(file, `tensor "${name}" ${what}`);
  if (!isRecord(value)) throw bad('has no description');
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDType(dtype)) throw bad(`has the unknown type ${JSON.stringify(dtype)}`);
  if (!isShape(shape)) throw bad(`has the impossible shape ${JSON.stringify(shape)}`);
  const [begin, end] = isShape(offsets) && offsets.length === 2 ? (offsets as [number, number]) : [1, 0];
  if (begin > end) throw bad(`has impossible offsets ${JSON.stringify(offsets)}`);
  const expected = elementCount(shape) * bytesPerElement(dtype);
  if (end - begin !== expected) {
    throw bad(`is ${dtype} [${shape}], which takes ${expected} bytes, but its offsets span ${end - begin}`);
  }
  return { dtype, shape, start: dataStart + begin, end: dataStart + end };
}

/** Every byte after the header must belong to exactly one tensor; otherwise the file is malformed. */
function checkCoverage(entries: Map<string, TensorEntry>, dataStart: number, fileBytes: number, file: string): void {
  const sorted = [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let covered = dataStart;
  let previous = '';
  for (const [name, { start, end }] of sorted) {
    if (start < covered) throw malformed(file, `tensor "${name}" overlaps tensor "${previous}"`);
    if (start > covered) throw malformed(file, `${start - covered} bytes before tensor "${name}" belong to no tensor`);
    covered = end;
    previous = name;
  }
  if (covered > fileBytes) {
    const torn = sorted.find(([, entry]) => entry.end > fileBytes)?.[0];
    throw cutShort(file, fileBytes, `${covered}`, `tensor "${torn}" is the first incomplete one`);
  }
  if (covered < fileBytes) throw malformed(file, `${fileBytes - covered} bytes after the last tensor belong to none`);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function malformed(file: string, what: string): PixtapeError {
  return new PixtapeError(
    `${file} is not a usable safetensors file: ${what}.`,
    'Check that it is the right file, or write it again; a damaged copy cannot be repaired.',
  );
}

function cutShort(file: string, have: number, want: string, where?: string): PixtapeError {
  return new PixtapeError(
    `${file} is cut short: ${have} bytes of ${want}${where ? ` (${where})` : ''}.`,
    'It was probably still being copied or downloaded: copy it again, or use an older checkpoint.',
  );
}
