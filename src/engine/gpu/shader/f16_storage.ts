import { endOfBlock, stripComments } from './wgsl.ts';

/**
 * Rewrites a shader so that some of its `array<f32>` and `array<vec4f>` bindings are stored as f16. Arithmetic stays in
 * f32: a load `x[…]` becomes `f32(x[…])`, a store `x[…] = e` becomes `x[…] = f16(e)`, and `x[…] += e` does both; the
 * same for vectors. Supports whole elements only.
 *
 * @param names the bindings
 * @throws Error on a binding of another type, and on any unsupported use
 */
export function storeAsF16(source: string, names: readonly string[]): string {
  let text = stripComments(source);
  const halves = new Map<string, Half>();
  for (const name of names) {
    const declared = declaredHalf(text, name);
    text = declared.text;
    halves.set(name, declared.half);
  }
  let result = 'enable f16;\n';
  let from = 0;
  for (const match of text.matchAll(/\bfn\s+(\w+)\s*\(/g)) {
    const end = endOfBlock(text, match.index);
    const own = text.slice(match.index, end);
    const used = new Map([...halves].filter(([name]) => reaches(own, name, match[1] as string)));
    result += text.slice(from, match.index) + (used.size > 0 ? rewritten(own, used) : own);
    from = end;
  }
  return result + text.slice(from);
}

/** The types in which an element is stored and computed. */
interface Half {
  stored: string;
  computed: string;
}

/** By the type of the binding. */
const HALVES: ReadonlyMap<string, Half> = new Map([
  ['array<f32>', { stored: 'f16', computed: 'f32' }],
  ['array<vec4f>', { stored: 'vec4<f16>', computed: 'vec4f' }],
]);

function declaredHalf(text: string, name: string): { text: string; half: Half } {
  const [whole, head, type] = new RegExp(`(var<\\s*storage\\b[^>]*>\\s*${name}\\s*:\\s*)([^;]+);`).exec(text) ?? [];
  if (whole === undefined) throw new Error(`there is no storage binding "${name}"`);
  const half = HALVES.get(type?.trim() ?? '');
  if (!half) throw new Error(`the binding ${name} is ${type}: only an array<f32> or array<vec4f> can hold halves`);
  return { text: text.replace(whole, `${head}array<${half.stored}>;`), half };
}

/** Whether `name` in a function is the binding, and not a local name. */
function reaches(own: string, name: string, fn: string): boolean {
  const body = own.indexOf('{');
  if (new RegExp(`(?<![.\\w])${name}\\s*:`).test(own.slice(0, body))) return false;
  if (!new RegExp(`\\b(?:let|var|const)\\s+${name}\\b`).test(own)) return true;
  // Before its declaration, or outside its block, the name would still be the binding.
  if (!new RegExp(`(?<![.\\w])${name}\\s*\\[`).test(own)) return false;
  throw new Error(`fn ${fn}: ${name} is both a variable there and a binding; rename one`);
}

/** Converts the loads and stores of these bindings in a part of a function. */
function rewritten(text: string, halves: ReadonlyMap<string, Half>): string {
  const use = new RegExp(`(?<![.\\w])(${[...halves.keys()].join('|')})\\b\\s*`, 'g');
  let result = '';
  let from = 0;
  for (let match = use.exec(text); match; match = use.exec(text)) {
    const name = match[1] as string;
    const { stored, computed } = halves.get(name) as Half;
    const before = text.slice(0, match.index).trimEnd().at(-1);
    const open = match.index + match[0].length;
    if (text[open] !== '[' || before === '&') throw unsure(text, match.index, `only ${name}[…] is supported`);
    const close = closing(text, open);
    const element = `${name}[${rewritten(text.slice(open + 1, close), halves)}]`;
    const [assignment, operator] = /^\s*([-+*/%]?)=(?!=)/.exec(text.slice(close + 1, close + 40)) ?? [];
    result += text.slice(from, match.index);
    from = close + 1;
    if (/^\s*(?:\+\+|--|\.)/.test(text.slice(from, from + 40))) throw unsure(text, match.index, 'unknown operator');
    if (assignment === undefined) result += `${computed}(${element})`;
    else {
      if (before !== undefined && !'{};'.includes(before))
        throw unsure(text, match.index, 'not a statement of its own');
      const start = from + assignment.length;
      from = endOfExpression(text, start);
      const value = rewritten(text.slice(start, from), halves).trim();
      result += `${element} = ${stored}(${operator ? `${computed}(${element}) ${operator} (${value})` : value})`;
    }
    use.lastIndex = from;
  }
  return result + text.slice(from);
}

/** The bracket that closes the one at `open`. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '[') depth++;
    else if (text[i] === ']' && --depth === 0) return i;
  }
  throw unsure(text, open, 'no closing bracket');
}

/** The semicolon that ends the expression at `start`. */
function endOfExpression(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const c = text[i] as string;
    if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c) && --depth < 0) break;
    else if (c === ';' && depth === 0) return i;
  }
  throw unsure(text, start, 'no semicolon ends this');
}

function unsure(text: string, at: number, why: string): Error {
  const line = text
    .slice(text.lastIndexOf('\n', at) + 1)
    .split('\n', 1)[0]
    ?.trim();
  return new Error(`a binding of halves cannot be used like this (${why}): ${line}`);
}
