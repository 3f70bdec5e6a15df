import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { storeAsF16 } from '../../../src/engine/gpu/shader/f16_storage.ts';
import { stripComments } from '../../../src/engine/gpu/shader/wgsl.ts';

/** A shader with three bindings and this function. */
const shader = (fn: string) => `enable subgroups;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> table: array<vec4f>;
@group(0) @binding(4) var<storage, read> entries: array<vec4u>;
${fn}`;
const main = (body: string) => shader(`@compute @workgroup_size(LANES)\nfn main() {\n  ${body}\n}\n`);
/** The function of the result, if x and y are halves. */
const becomes = (body: string) => /fn main\(\) \{\n {2}([\s\S]*)\n\}/.exec(storeAsF16(main(body), ['x', 'y']))?.[1];

describe('withHalf', () => {
  it('turns declarations, and enables f16 before everything else', () => {
    const text = storeAsF16(main('y[0] = 1.0;'), ['y']);
    expect(text).toMatch(/^enable f16;\nenable subgroups;\n/);
    expect(text).toContain('x: array<f32>;');
    expect(text).toContain('y: array<f16>;');
  });

  it.each([
    ['let a = x[i];', 'let a = f32(x[i]);'],
    ['let a = x[u32(x[i + 1u])];', 'let a = f32(x[u32(f32(x[i + 1u]))]);'],
    ['let a = select(0.0, x[select(0u, i, ok)], ok);', 'let a = select(0.0, f32(x[select(0u, i, ok)]), ok);'],
    ['y[i] = x[i] + table[i].x;', 'y[i] = f16(f32(x[i]) + table[i].x);'],
    ['y[k[0] * p.y] = f(x[i], (a));', 'y[k[0] * p.y] = f16(f(f32(x[i]), (a)));'],
    ['y[i] -= a * y[j];', 'y[i] = f16(f32(y[i]) - (a * f32(y[j])));'],
    ['if (x[i] == y[i]) { y[i] = a; }', 'if (f32(x[i]) == f32(y[i])) { y[i] = f16(a); }'],
    ['let b = id.x + max[x[i] > 0.0];', 'let b = id.x + max[f32(x[i]) > 0.0];'],
  ])('%s', (body, want) => {
    expect(becomes(body)).toBe(want);
  });

  it('drops comments, and leaves other things of the same name unchanged', () => {
    expect(becomes('// x[i] = 1;\n  let a = id.x;')).toBe('\n  let a = id.x;');
    const own = 'fn square(x: f32, y: array<f32, 2>) -> f32 { return x * x + y[0]; }\n';
    const text = storeAsF16(shader(`${own}fn main() { let x = 1; y[0] = square(2.0, a); }`), ['x', 'y']);
    expect(text).toContain(own);
    expect(text).toContain('fn main() { let x = 1; y[0] = f16(square(2.0, a)); }');
  });

  it('stores vectors of four as vectors of halves', () => {
    const text = storeAsF16(main('table[i] = table[j] * x[i];'), ['table']);
    expect(text).toContain('table: array<vec4<f16>>;');
    expect(text).toContain('table[i] = vec4<f16>(vec4f(table[j]) * x[i]);');
  });

  it.each([
    ['let y = 1.0; y[0] = 2.0;', /fn main: y is both a variable there and a binding/],
    ['let a = &x[0];', /only x\[…\] is supported\): let a = &x\[0\];/],
    ['let n = arrayLength(&x);', /only x\[…\] is supported/],
    ['f(x);', /only x\[…\] is supported/],
    ['for (var i = 0; i < 2; y[i] = 1.0) {}', /not a statement of its own|no semicolon/],
    ['y[0]++;', /unknown operator/],
  ])('refuses %s', (body, message) => {
    expect(() => storeAsF16(main(body), ['x', 'y'])).toThrow(message);
  });

  it('refuses a binding that is missing or not an array of floats', () => {
    expect(() => storeAsF16(main(''), ['z'])).toThrow(/no storage binding "z"/);
    expect(() => storeAsF16(main(''), ['entries'])).toThrow(/entries is array<vec4u>: only an array<f32> or/);
  });
});

const folder = new URL('../../../shaders/', import.meta.url);
const shaders = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.wgsl'));

it.each(shaders)('every float binding of %s can hold halves', (file) => {
  const source = readFileSync(new URL(file, folder), 'utf8');
  const names = [...stripComments(source).matchAll(/var<storage\b[^>]*>\s*(\w+)\s*:\s*array<f32>/g)].map(([, n]) => n);
  const text = storeAsF16(source, names as string[]);
  // Whether every use is converted the compiler says, since f16 and f32 do not mix: see test/engine/ops/half.test.ts.
  for (const name of names) expect(text).toContain(`${name}: array<f16>;`);
});
