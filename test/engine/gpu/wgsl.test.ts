import { describe, expect, it } from 'vitest';
import { packParams, reflect, unroll, withConstants } from '../../../src/engine/gpu/shader/wgsl.ts';

const SOURCE = `
// Mentions other: not a use.
struct Params {
  n: u32,
  shift: i32, // a comment
  factor: f32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<storage, read> other: array<f32>;
fn load(i: u32) -> f32 { return x[i] * p.factor; }
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = load(id.x); }
@compute @workgroup_size(64)
fn second(@builtin(global_invocation_id) id: vec3u) { y[id.x] = other[id.x]; }
`;

describe('reflect', () => {
  it('finds the bindings that an entry point uses, also through functions that it calls, by binding index', () => {
    expect(reflect(SOURCE, 'main').bindings.map((b) => [b.name, b.index, b.access])).toEqual([
      ['p', 0, 'read'],
      ['y', 1, 'read_write'],
      ['x', 2, 'read'],
    ]);
    expect(reflect(SOURCE, 'second').bindings.map((b) => b.name)).toEqual(['y', 'other']);
    // A parameter of that name is not the binding.
    const called = SOURCE.replace('x[i]', 'twice(x[i])').replace(
      'fn load',
      'fn twice(y: f32) -> f32 { return 2.0 * y; }\nfn load',
    );
    expect(
      reflect(called.replace('{ y[id.x] = load', '{ other[id.x] = load'), 'main').bindings.map((b) => b.name),
    ).toEqual(['p', 'x', 'other']);
    expect(() => reflect(SOURCE, 'third')).toThrow(/no entry point "third"/);
  });

  it('reads the fields of the uniform block, and refuses types that it cannot pack', () => {
    expect(reflect(SOURCE, 'main').params.map((f) => `${f.name}: ${f.type}`)).toEqual([
      'n: u32',
      'shift: i32',
      'factor: f32',
    ]);
    expect(() => reflect(SOURCE.replace('factor: f32', 'factor: vec4f'), 'main')).toThrow(/factor is vec4f/);
  });
});

describe('packParams', () => {
  const { params } = reflect(SOURCE, 'main');

  it('lays the fields out as declared', () => {
    const view = new DataView(packParams(params, { factor: 0.5, n: 4e9, shift: -3 }, 'k').buffer as ArrayBuffer);
    expect([view.getUint32(0, true), view.getInt32(4, true), view.getFloat32(8, true)]).toEqual([4e9, -3, 0.5]);
  });

  it('names a value that is missing, unknown or out of range', () => {
    expect(() => packParams(params, { n: 1, shift: 0 }, 'k')).toThrow(/no value for "factor"/);
    expect(() => packParams(params, { n: 1, shift: 0, factor: 1, more: 2 }, 'k')).toThrow(/no field "more"/);
    expect(() => packParams(params, { n: -1, shift: 0, factor: 1 }, 'k')).toThrow(/n = -1 does not fit u32/);
    expect(() => packParams(params, { n: 1.5, shift: 0, factor: 1 }, 'k')).toThrow(/n = 1.5 is not an integer/);
  });
});

describe('unroll', () => {
  const loop = (body: string) => `fn f() {\n  // unroll\n  for (var i = 0u; i < N; i++) {\n${body}\n  }\n}\n`;

  it('writes out a loop, the variable replaced as a whole word', () => {
    const text = unroll(loop('    a[i] = bits * i;'), { N: 3 });
    expect(text).not.toContain('for');
    expect(text.match(/a\[\du\] = bits \* \du;/g)).toEqual([0, 1, 2].map((i) => `a[${i}u] = bits * ${i}u;`));
  });

  it('unrolls nested loops, and leaves unmarked ones unchanged', () => {
    const inner = '    // unroll\n    for (var j = 0u; j < M; j++) {\n      a[i * M + j] = 1;\n    }';
    expect(unroll(loop(inner), { N: 2, M: 3 }).match(/a\[\du \* M \+ \du\]/g)).toHaveLength(6);
    const plain = 'fn f() {\n  for (var i = 0u; i < N; i++) {\n  }\n}\n';
    expect(unroll(plain, { N: 2 })).toBe(plain);
  });

  it('recognises a loop without spaces, as in the builds', () => {
    expect(unroll('fn f(){\n// unroll\nfor(var i=0u;i<N;i++){a[i]=b;}}', { N: 2 })).toMatch(
      /a\[0u\]=b;.*\n.*a\[1u\]=b;/,
    );
  });

  it('refuses a bound that is not a constant', () => {
    expect(() => unroll(loop(''), {})).toThrow(/bound N is not among the constants/);
  });
});

it('withConstants inserts them after the directives, with their types', () => {
  const text = withConstants('enable subgroups;\nfn main() {}\n', { N: 3, ON: true, RATE: 0.5 });
  expect(text).toMatch(/^enable subgroups;\nconst N = 3u;\nconst ON = true;\nconst RATE = 0.5f;\n/);
});
