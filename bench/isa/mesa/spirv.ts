/** Reads what a pipeline needs to know about a SPIR-V module. Source: SPIR-V Specification 1.6, 2.3 and 3.52. */

export interface SpirvInterface {
  entry: string;
  bindings: { index: number; kind: 'uniform' | 'storage' }[];
}

const HEADER_WORDS = 5;
const OP_ENTRY_POINT = 15;
const OP_VARIABLE = 59;
const OP_DECORATE = 71;
const DECORATION_BINDING = 33;
const STORAGE_CLASSES = new Map<number, 'uniform' | 'storage'>([
  [2, 'uniform'],
  [12, 'storage'],
]);

/** The first entry point and the buffers of descriptor set 0. */
export function readSpirv(code: Uint8Array): SpirvInterface {
  const words = new Uint32Array(Uint8Array.from(code).buffer);
  if (words[0] !== 0x07230203) throw new Error('not a SPIR-V module');
  const binding = new Map<number, number>();
  const kind = new Map<number, 'uniform' | 'storage'>();
  let entry: string | undefined;
  for (let i = HEADER_WORDS; i < words.length; ) {
    const head = words[i] as number;
    const [op, length] = [head & 0xffff, head >>> 16];
    if (length === 0) throw new Error(`the SPIR-V module breaks off at word ${i}`);
    const operand = (n: number) => words[i + n] as number;
    if (op === OP_ENTRY_POINT) entry ??= literal(words, i + 3);
    else if (op === OP_DECORATE && operand(2) === DECORATION_BINDING) binding.set(operand(1), operand(3));
    else if (op === OP_VARIABLE) {
      const found = STORAGE_CLASSES.get(operand(3));
      if (found) kind.set(operand(2), found);
    }
    i += length;
  }
  if (entry === undefined) throw new Error('the SPIR-V module has no entry point');
  const bindings = [...binding].flatMap(([id, index]) => {
    const of = kind.get(id);
    return of ? [{ index, kind: of }] : [];
  });
  return { entry, bindings };
}

const OP_TYPE_COOPERATIVE_MATRIX = 4456;
const OP_CONSTANT = 43;

/**
 * The same module with every matrix of a subgroup made `side` × `side`. Dawn compiles for what its adapter has, and lavapipe's
 * matrices are 8 × 8: what is compiled there names no other size anywhere else.
 */
export function resizeMatrices(code: Uint8Array, side: number): Uint8Array {
  const words = [...new Uint32Array(Uint8Array.from(code).buffer)];
  const types = new Map<number, number>();
  const constant = words[3] as number;
  let inserted = false;
  for (let i = HEADER_WORDS; i < words.length; i += (words[i] as number) >>> 16) {
    const op = (words[i] as number) & 0xffff;
    if (op === OP_CONSTANT) types.set(words[i + 2] as number, words[i + 1] as number);
    if (op !== OP_TYPE_COOPERATIVE_MATRIX) continue;
    if (!inserted) {
      const type = types.get(words[i + 4] as number);
      if (type === undefined) throw new Error('the sides of a matrix are no constants');
      words.splice(i, 0, (4 << 16) | OP_CONSTANT, type, constant, side);
      words[3] = constant + 1;
      inserted = true;
      continue;
    }
    words[i + 4] = constant;
    words[i + 5] = constant;
  }
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** Reads a string, packed four bytes per word and zero-terminated. */
function literal(words: Uint32Array, from: number): string {
  const bytes = new Uint8Array(words.buffer, from * 4);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}
