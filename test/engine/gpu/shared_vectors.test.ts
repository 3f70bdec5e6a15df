import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stripComments } from '../../../src/engine/gpu/shader/wgsl.ts';

/**
 * A vector in memory that invocations share must be written as a whole. If a kernel writes one component, WGSL lets a
 * compiler write all of it, which loses what other invocations wrote to the others, as on some Metal and Direct3D
 * drivers.
 * Source: WGSL, "Memory Locations": "a write to a component of a vector may access all of its memory locations".
 */

const root = resolve(import.meta.dirname, '../../..');

function shaders(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return shaders(path);
    return entry.name.endsWith('.wgsl') ? [path] : [];
  });
}

const SHARED = /\bvar<\s*(?:workgroup|storage\s*,\s*read_write)\s*>\s*(\w+)\s*:\s*([^;]+);/g;
const VECTOR = /\bvec[234](?:[fiuh]\b|\s*<)|\bmat[234]x[234]/;

/** Statements that write a component of a shared vector, or take a pointer to one. */
function partialWrites(source: string): string[] {
  const text = stripComments(source);
  return [...text.matchAll(SHARED)].flatMap(([, name, type]) => {
    if (!VECTOR.test(type as string)) return [];
    const arrays = (type as string).match(/\barray\s*</g)?.length ?? 0;
    return [...text.matchAll(new RegExp(`(&?)\\s*(?<![.\\w])${name}\\b`, 'g'))].flatMap((use) => {
      const { steps, end } = accessors(text, use.index + use[0].length);
      const written = /^\s*(?:[-+*/%&|^]|<<|>>)?=(?!=)|^\s*(?:\+\+|--)/.test(text.slice(end));
      const pointer = use[1] === '&' && steps > 0;
      return (written && steps > arrays) || pointer ? [text.slice(use.index, end).trim()] : [];
    });
  });
}

/** How many `[…]` and `.x` follow, and where they end. */
function accessors(text: string, start: number): { steps: number; end: number } {
  let [steps, end] = [0, start];
  for (;;) {
    const member = /^\s*\.\s*\w+/.exec(text.slice(end));
    if (member) end += member[0].length;
    else if (/^\s*\[/.test(text.slice(end))) {
      let depth = 0;
      end = text.indexOf('[', end);
      do {
        if (text[end] === '[') depth++;
        if (text[end] === ']') depth--;
        end++;
      } while (depth > 0 && end < text.length);
    } else return { steps, end };
    steps++;
  }
}

describe('vectors that invocations share', () => {
  it('are written as a whole by every kernel', () => {
    const all = [...shaders(join(root, 'shaders')), ...shaders(join(root, 'bench'))];
    expect(all.length).toBeGreaterThan(30);
    const faults = all.flatMap((path) => partialWrites(readFileSync(path, 'utf8')).map((text) => `${path}: ${text}`));
    expect(faults).toEqual([]);
  });

  it('are reported if a kernel writes one component', () => {
    const declared = 'var<workgroup> tile: array<vec4f, 64>;\n';
    // As conv_gemm.wgsl did until November 2026.
    expect(partialWrites(`${declared}fn put() { tile[(t % BK) * ROW + row / 4u][row % 4u] = brought.a[e]; }`)).toEqual([
      'tile[(t % BK) * ROW + row / 4u][row % 4u]',
    ]);
    expect(partialWrites(`${declared}fn put() { tile[i].x += 1.0; }`)).toEqual(['tile[i].x']);
    expect(partialWrites(`${declared}fn put() { let p = &tile[i]; (*p).y = 1.0; }`)).toEqual(['&tile[i]']);
    expect(partialWrites('var<workgroup> one: vec2u; fn put() { one.y++; }')).toEqual(['one.y']);
    const stored = '@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>; fn put() { y[i][j] = 1.0; }';
    expect(partialWrites(stored)).toEqual(['y[i][j]']);
  });

  it('may be read in parts, and written as a whole', () => {
    const declared = 'var<workgroup> tile: array<array<vec4f, 4>, 2>;\n';
    expect(partialWrites(`${declared}fn f() { tile[s][tile[0][1].x] = v; let a = tile[i][j].y == 1.0; }`)).toEqual([]);
    expect(partialWrites('var<workgroup> sums: array<f32, 64>; fn f() { sums[i] = 1.0; }')).toEqual([]);
  });
});
