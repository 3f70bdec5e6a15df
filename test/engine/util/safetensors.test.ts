import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PixtapeError } from '../../../src/engine/util/errors.ts';
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from '../../../src/engine/util/safetensors.ts';

const joined = (chunks: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(chunks));

/** A file with a given header and data, as a foreign or damaged writer might leave it. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return new Uint8Array(Buffer.concat([length, text, Buffer.alloc(dataBytes)]));
}

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

describe('encodeSafetensors', () => {
  const tensors = new Map<string, NamedTensor>([
    ['gen.b', { dtype: 'F32', shape: [2, 3], data: new Float32Array([1, -2, 3.5, Number.NaN, 1e-45, Infinity]) }],
    ['gen.a', { dtype: 'F32', shape: [0], data: new Float32Array(0) }],
    ['mask', { dtype: 'U8', shape: [3], data: new Uint8Array([1, 2, 255]) }],
    ['half', { dtype: 'F16', shape: [1], data: new Uint16Array([0x3c00]) }],
    ['gen.bn.num_batches_tracked', { dtype: 'I64', shape: [], data: new BigInt64Array([-5n]) }],
  ]);

  it('writes the format’s bytes exactly', () => {
    const one = new Map<string, NamedTensor>([['w', { dtype: 'F32', shape: [1], data: new Float32Array([1]) }]]);
    const bytes = joined(encodeSafetensors(one, { k: 'v' }));
    const header = '{"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
    expect(Buffer.from(bytes.subarray(0, 8)).readBigUInt64LE()).toBe(BigInt(padded.length));
    expect(Buffer.from(bytes.subarray(8, 8 + padded.length)).toString()).toBe(padded);
    expect([...bytes.subarray(8 + padded.length)]).toEqual([0, 0, 0x80, 0x3f]);
  });

  it('reads back every type, bit for bit, metadata included', () => {
    const metadata = { config: '{"hidden":4}', 'naïve "key"': 'ünïcode\n' };
    const decoded = decodeSafetensors(joined(encodeSafetensors(tensors, metadata)), 'x.safetensors');
    expect(decoded.metadata).toEqual(metadata);
    expect(decoded.tensors).toEqual(tensors);
  });

  it('reads from an odd offset inside a larger buffer', () => {
    const bytes = joined(encodeSafetensors(tensors, {}));
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decodeSafetensors(shifted.subarray(3), 'x').tensors).toEqual(tensors);
  });

  it('gives the same bytes whatever the order, aligned for each type, and without copying', () => {
    const reversed = new Map([...tensors].reverse());
    const chunks = encodeSafetensors(tensors, { a: '1', b: '2' });
    expect(joined(encodeSafetensors(reversed, { b: '2', a: '1' }))).toEqual(joined(chunks));
    expect(chunks[0]!.length % 8).toBe(0);
    expect(chunks.some((chunk) => chunk.buffer === tensors.get('gen.b')!.data.buffer)).toBe(true);
    const header = JSON.parse(Buffer.from(chunks[0]!.subarray(8)).toString());
    expect(Object.keys(header)).toEqual([
      '__metadata__',
      'gen.bn.num_batches_tracked',
      'gen.a',
      'gen.b',
      'half',
      'mask',
    ]);
  });

  it('refuses a shape that does not fit its data', () => {
    const bad = new Map<string, NamedTensor>([['w', { dtype: 'F32', shape: [2, 2], data: new Float32Array(3) }]]);
    expect(() => encodeSafetensors(bad, {})).toThrow(/"w".*4 elements.*3/);
  });

  it('returns any set of tensors unchanged', () => {
    const tensor = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }).chain((shape) => {
      const n = shape.reduce((a, b) => a * b, 1);
      return fc.oneof(
        fc.float32Array({ minLength: n, maxLength: n }).map((data) => ({ dtype: 'F32', shape, data }) as NamedTensor),
        fc.uint8Array({ minLength: n, maxLength: n }).map((data) => ({ dtype: 'BOOL', shape, data }) as NamedTensor),
        fc.int16Array({ minLength: n, maxLength: n }).map((data) => ({ dtype: 'I16', shape, data }) as NamedTensor),
      );
    });
    const names = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__');
    fc.assert(
      fc.property(fc.array(fc.tuple(names, tensor)), (list) => {
        const map = new Map(list);
        expect(decodeSafetensors(joined(encodeSafetensors(map, {})), 'x').tensors).toEqual(map);
      }),
    );
  });
});

describe('decodeSafetensors refuses', () => {
  const good = file({ a: f32(0, 8), b: f32(8, 16) }, 16);

  it('nothing of a good file', () => {
    expect([...decodeSafetensors(good, 'x').tensors.keys()]).toEqual(['a', 'b']);
  });

  it('a file cut short anywhere, with both sizes', () => {
    for (let size = 0; size < good.length; size++) {
      expect(() => decodeSafetensors(good.slice(0, size), 'run/c.safetensors')).toThrow(PixtapeError);
      expect(() => decodeSafetensors(good.slice(0, size), 'run/c.safetensors')).toThrow(
        new RegExp(`run/c.safetensors is cut short: ${size} bytes of `),
      );
    }
    expect(() => decodeSafetensors(good.slice(0, -1), 'x')).toThrow(
      `${good.length - 1} bytes of ${good.length} (tensor "b"`,
    );
  });

  const cases: [string, Uint8Array, RegExp][] = [
    ['a picture', new Uint8Array(Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1')), /impossible header length/],
    ['a header that is not JSON', file('{"a": nonsense}', 0), /not valid JSON/],
    ['a header that is not UTF-8', file('{}', 0).map((v, i) => (i === 9 ? 0xff : v)), /not valid JSON/],
    ['a header that is an array', file([], 0), /not a JSON object/],
    ['metadata that is not text', file({ __metadata__: { a: 1 } }, 0), /"a" is not a string/],
    ['metadata that is a list', file({ __metadata__: [] }, 0), /__metadata__ is not/],
    ['an entry that is null', file({ a: null }, 0), /tensor "a" has no description/],
    ['an unknown type', file({ a: { ...f32(0, 4), dtype: 'F8' } }, 4), /tensor "a" has the unknown type "F8"/],
    ['a type named like a method', file({ a: { ...f32(0, 4), dtype: 'toString' } }, 4), /unknown type/],
    ['a negative side', file({ a: f32(0, 4, [-1]) }, 4), /tensor "a" has the impossible shape \[-1\]/],
    ['a fractional side', file({ a: f32(0, 4, [0.5]) }, 4), /impossible shape/],
    ['offsets in the wrong order', file({ a: { ...f32(0, 4), data_offsets: [4, 0] } }, 4), /impossible offsets/],
    ['a missing offset', file({ a: { ...f32(0, 4), data_offsets: [4] } }, 4), /impossible offsets/],
    [
      'a shape that does not fit its bytes',
      file({ a: f32(0, 8, [3]) }, 8),
      /"a" is F32 \[3\], which takes 12 bytes.*span 8/,
    ],
    ['a side so large that it overflows', file({ a: f32(0, 8, [2 ** 52, 2 ** 52]) }, 8), /"a" is F32/],
    ['tensors that overlap', file({ a: f32(0, 8), b: f32(4, 12) }, 12), /tensor "b" overlaps tensor "a"/],
    ['a hole between tensors', file({ a: f32(0, 4), b: f32(8, 12) }, 12), /4 bytes before tensor "b"/],
    ['bytes after the last tensor', file({ a: f32(0, 4) }, 7), /3 bytes after the last tensor/],
    ['a tensor that lies outside', file({ a: f32(0, 4), b: f32(4, 400) }, 8), /cut short.*tensor "b"/],
  ];
  it.each(cases)('%s', (_name, bytes, message) => {
    expect(() => decodeSafetensors(bytes, 'x.safetensors')).toThrow(PixtapeError);
    expect(() => decodeSafetensors(bytes, 'x.safetensors')).toThrow(message);
    expect(() => decodeSafetensors(bytes, 'x.safetensors')).toThrow(/x\.safetensors/);
  });
});
