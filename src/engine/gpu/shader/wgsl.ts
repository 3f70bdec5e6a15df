/**
 * Reads the interface of a WGSL file from its text, so that bindings and the uniform block are declared only in the
 * shader. TypeScript binds by name, and a wrong name fails at once.
 *
 * Supports only the conventions of `shaders/`, not all of WGSL: resources in group 0, one flat `struct Params` of
 * 32-bit scalars behind `var<uniform> p`, and constants that the loader prepends.
 */

export interface ShaderBinding {
  name: string;
  index: number;
  space: 'uniform' | 'storage';
  access: 'read' | 'read_write';
  /** As declared, such as `array<f32>`. */
  type: string;
}

export interface ParamField {
  name: string;
  type: 'u32' | 'i32' | 'f32';
}

export interface ShaderInterface {
  /** The resources that the entry point uses, by binding index. */
  bindings: ShaderBinding[];
  /** The fields of `struct Params`, in order, four bytes each; empty without one. */
  params: ParamField[];
}

export type ShaderConstants = Readonly<Record<string, number | boolean>>;

const BINDING =
  /@group\(0\)\s*@binding\((\d+)\)\s*var<\s*(uniform|storage)\s*(?:,\s*(read_write|read)\s*)?>\s*(\w+)\s*:\s*([^;]+?)\s*;/g;

export function stripComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/\/\/.*$/gm, '');
}

/** Reads the bindings that `entry` uses, directly or through the functions it calls, and the fields of `Params`. */
export function reflect(source: string, entry: string): ShaderInterface {
  const text = stripComments(source);
  const reached = reachableFunctions(text, entry);
  const bindings: ShaderBinding[] = [];
  for (const [, index, space, access, name, type] of text.matchAll(BINDING)) {
    if (!reached.some((fn) => mentions(fn, name as string))) continue;
    bindings.push({
      name: name as string,
      index: Number(index),
      space: space as 'uniform' | 'storage',
      access: (access as 'read' | 'read_write' | undefined) ?? 'read',
      type: type as string,
    });
  }
  bindings.sort((a, b) => a.index - b.index);
  const struct = /struct\s+Params\s*\{([^}]*)\}/.exec(text);
  const params: ParamField[] = [];
  for (const [, name, type] of (struct?.[1] ?? '').matchAll(/(\w+)\s*:\s*(\w+)/g)) {
    if (type !== 'u32' && type !== 'i32' && type !== 'f32') {
      throw new Error(`struct Params: field ${name} is ${type}; only u32, i32 and f32 are packed`);
    }
    params.push({ name: name as string, type });
  }
  return { bindings, params };
}

/** Whether `name` in a function is the binding: not after a dot (`id.x`), and not a parameter of its own. */
function mentions(fn: string, name: string): boolean {
  const head = fn.slice(0, fn.indexOf('{'));
  return new RegExp(`(?<!\\.)\\b${name}\\b`).test(fn) && !new RegExp(`\\b${name}\\s*:`).test(head);
}

/** The texts of the entry point and of every function that it can call. */
function reachableFunctions(text: string, entry: string): string[] {
  const functions = new Map<string, string>();
  for (const match of text.matchAll(/\bfn\s+(\w+)\s*\(/g)) {
    functions.set(match[1] as string, text.slice(match.index, endOfBlock(text, match.index)));
  }
  const main = functions.get(entry);
  if (main === undefined) throw new Error(`no entry point "${entry}" in the shader`);
  const seen = new Set([entry]);
  const parts = [main];
  for (let i = 0; i < parts.length; i++) {
    for (const [, name] of (parts[i] as string).matchAll(/\b(\w+)\s*\(/g)) {
      const body = functions.get(name as string);
      if (body !== undefined && !seen.has(name as string)) {
        seen.add(name as string);
        parts.push(body);
      }
    }
  }
  return parts;
}

/** One past the closing brace of the first block from `from` on. */
export function endOfBlock(text: string, from: number): number {
  let depth = 0;
  for (let i = text.indexOf('{', from); i < text.length; i++) {
    if (text[i] === '{') depth++;
    else if (text[i] === '}' && --depth === 0) return i + 1;
  }
  return text.length;
}

/** Inserts `const NAME = value;` lines after the shader's directives (WGSL wants `enable` first). */
export function withConstants(source: string, constants: ShaderConstants): string {
  const lines = Object.entries(constants).map(([name, value]) => {
    if (typeof value === 'boolean') return `const ${name} = ${value};`;
    return `const ${name} = ${Number.isInteger(value) && value >= 0 ? `${value}u` : `${value}f`};`;
  });
  if (lines.length === 0) return source;
  const directives = [...source.matchAll(/^\s*(?:enable|requires|diagnostic)\b[^;]*;/gm)];
  const last = directives.at(-1);
  const at = last ? last.index + last[0].length : 0;
  return `${source.slice(0, at)}\n${lines.join('\n')}\n${source.slice(at)}`;
}

const UNROLLED = /^[ \t]*\/\/ unroll\n[ \t]*for ?\(var (\w+) ?= ?0u; ?\1 ?< ?(\w+); ?\1\+\+\) ?/gm;

/**
 * Unrolls every loop under a line `// unroll`: repeats its body for each value, with the variable replaced by the
 * number. Drivers unroll only some loops themselves, and a tile stays in registers only if array indices and lanes of
 * `subgroupBroadcast` are constants. The bound must be one of `constants`.
 */
export function unroll(source: string, constants: ShaderConstants): string {
  let text = source;
  // The last match has no other inside it.
  for (let match = [...text.matchAll(UNROLLED)].at(-1); match; match = [...text.matchAll(UNROLLED)].at(-1)) {
    const [head, name, bound] = match as unknown as [string, string, string];
    const count = constants[bound];
    if (typeof count !== 'number') throw new Error(`// unroll: the loop's bound ${bound} is not among the constants`);
    const start = match.index + head.length;
    const end = endOfBlock(text, start);
    const body = text.slice(start, end);
    const variable = new RegExp(`\\b${name}\\b`, 'g');
    const copies = Array.from({ length: count }, (_, i) => body.replace(variable, `${i}u`));
    text = `${text.slice(0, match.index)}${copies.join('\n')}${text.slice(end)}`;
  }
  return text;
}

/** Packs named scalars as `struct Params` declares them. @throws Error on a missing, unknown or unrepresentable one */
export function packParams(
  fields: readonly ParamField[],
  values: Readonly<Record<string, number>>,
  label: string,
): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(Math.max(16, Math.ceil(fields.length / 4) * 16)));
  for (const name of Object.keys(values)) {
    if (!fields.some((f) => f.name === name)) throw new Error(`${label}: struct Params has no field "${name}"`);
  }
  fields.forEach(({ name, type }, i) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${label}: no value for "${name}" of struct Params`);
    if (type !== 'f32' && !Number.isInteger(value)) throw new Error(`${label}: ${name} = ${value} is not an integer`);
    if (type === 'f32') bytes.setFloat32(i * 4, value, true);
    else if (type === 'i32') bytes.setInt32(i * 4, value, true);
    else if (value < 0 || value > 0xffffffff) throw new Error(`${label}: ${name} = ${value} does not fit u32`);
    else bytes.setUint32(i * 4, value, true);
  });
  return new Uint8Array(bytes.buffer);
}
