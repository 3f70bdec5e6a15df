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

/** Reads a string, packed four bytes per word and zero-terminated. */
function literal(words: Uint32Array, from: number): string {
  const bytes = new Uint8Array(words.buffer, from * 4);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}
