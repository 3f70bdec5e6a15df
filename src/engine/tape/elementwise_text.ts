import coordinates from '../../../shaders/elementwise/loop/coordinates.wgsl';
import flat from '../../../shaders/elementwise/loop/flat.wgsl';
import strided from '../../../shaders/elementwise/loop/strided.wgsl';
import { stripComments } from '../gpu/shader/wgsl.ts';
import type { Dtype } from '../gpu/storage.ts';

/** Names of parameters that are not operands. */
const RESULT = 'y';
const GRADIENT = 'dy';

/** A function of an element-wise operation, from its signature. */
export interface ElementFunction {
  name: string;
  /** Operands, numbers, `y`, `dy` and `dd`, by the parameters' names. A function gets only what it names. */
  parameters: readonly { name: string; type: 'T' | 'f32' }[];
  result: 'T' | 'f32';
  /** It only returns 0, or the incoming gradient, so there is nothing to compute. */
  trivial: 'zero' | 'dy' | undefined;
}

/** An element-wise operation, from its WGSL. */
export interface ElementOperation {
  name: string;
  source: string;
  functions: ReadonlyMap<string, ElementFunction>;
}

const FUNCTION = /\bfn\s+(\w+)\s*\(([^)]*)\)\s*->\s*(T|f32)\s*\{\s*(?:return\s+(0\.0?|dy)\s*;\s*\})?/g;

/**
 * Parses an operation from its text, which holds functions of single elements and nothing else. Several sources are
 * joined here: a template literal would keep a bundler from dropping an unused operation.
 *
 * - `f`: the function itself. Its parameters are the operands. Each is a tensor or a number when the operation is
 *   called. Parameters of type T may be whole numbers.
 * - `dx`: the gradient of an operand x. Its parameters are any of the operands, the result `y`, and `dy`, the gradient
 *   of the result, in which `dx` is linear. What no function names is not kept for the backward pass.
 * - `dxz`: a second derivative, that of `dx` with respect to z, times `dd`, the incoming gradient for `dx`. It is
 *   needed for every z that has a gradient and that `dx` depends on, by name or through y. With operands a and b, `dab`
 *   serves both orders. A plain 0 must be written down, because an omitted function counts as missing.
 *
 * Other functions and constants are private. Reserved are `element`, `main`, `next`, `place`, `p`, `result` and names
 * that end in `_in`.
 */
export function parseElementwise(name: string, ...sources: readonly string[]): ElementOperation {
  const source = sources.join('\n');
  const functions = new Map<string, ElementFunction>();
  for (const [, fn = '', parameters = '', result, returned] of stripComments(source).matchAll(FUNCTION)) {
    functions.set(fn, {
      name: fn,
      parameters: [...parameters.matchAll(/(\w+)\s*:\s*(\w+)/g)].map(([, parameter = '', type]) => ({
        name: parameter,
        type: type === 'T' ? 'T' : 'f32',
      })),
      result: result === 'T' ? 'T' : 'f32',
      trivial: returned === GRADIENT ? 'dy' : returned ? 'zero' : undefined,
    });
  }
  if (!functions.has('f')) throw new Error(`${name}: the shader has no function f`);
  return { name, source, functions };
}

/** Whether a function's value depends on an operand, or on all of them through the result. */
export function dependsOn({ parameters }: ElementFunction, operand: string): boolean {
  return parameters.some(({ name }) => name === operand || name === RESULT);
}

/**
 * How an operand reaches an element: a number of the uniform block, the one element of a tensor, an element of a tensor
 * of the result's shape, or an element found by strides.
 */
export type Access = 'number' | 'single' | 'same' | 'strided';

export interface ElementOperand {
  name: string;
  dtype: Dtype;
  access: Access;
}

/** The whole shader for one function of an operation: its text, the operands' declarations, and the loop. */
export function elementwiseText(
  { source }: ElementOperation,
  fn: ElementFunction,
  operands: readonly ElementOperand[],
  resultDtype: Dtype,
): string {
  const axes = [0, 1, 2, 3];
  const byStrides = operands.some(({ access }) => access === 'strided');
  const fields = ['n: u32'];
  const bindings: string[] = [];
  const values = operands.map(({ name, dtype, access }) => {
    if (access === 'number') {
      fields.push(`${name}: ${scalar(dtype)}`);
      return `p.${name}`;
    }
    bindings.push(`var<storage, read> ${name}_in: array<${scalar(dtype)}>;`);
    if (access === 'single') return `${name}_in[0]`;
    if (!byStrides) return `${name}_in[i]`;
    fields.push(...axes.map((k) => `${name}_${k}: u32`));
    return `${name}_in[dot(at, vec4u(${axes.map((k) => `p.${name}_${k}`).join(', ')}))]`;
  });
  if (byStrides) fields.push(...axes.slice(1).map((k) => `size_${k}: u32`));
  bindings.push(`var<storage, read_write> result: array<${scalar(resultDtype)}>;`);
  const whole = operands.find(({ dtype }) => dtype === 'u32' || dtype === 'i32');
  return [
    `alias T = ${whole ? whole.dtype : 'f32'};`,
    source,
    `struct Params { ${fields.join(', ')} }`,
    '@group(0) @binding(0) var<uniform> p: Params;',
    ...bindings.map((text, i) => `@group(0) @binding(${i + 1}) ${text}`),
    `fn element(${byStrides ? 'at: vec4u' : 'i: u32'}) -> ${scalar(resultDtype)} {`,
    `  return ${fn.name}(${values.join(', ')});`,
    '}',
    byStrides ? `${strided}\n${coordinates}` : flat,
  ].join('\n');
}

/** The type of an element in a shader. The loader inserts the loads and stores of halves. */
function scalar(dtype: Dtype): string {
  return dtype === 'f16' ? 'f32' : dtype;
}
