import { PNG } from 'pngjs';
import { expect, it } from 'vitest';
import { RandomStream } from '../../src/engine/util/random.ts';
import { mendChecksums, mutate, mutateJson } from '../../tools/fuzz/mutate.ts';

const bytes = Uint8Array.from({ length: 700 }, (_, i) => i % 251);
const other = new Uint8Array(300).fill(9);

it('equal seeds damage a file in the same way, different ones do not; the good file stays intact', () => {
  const good = bytes.slice();
  const damaged = Array.from({ length: 50 }, (_, n) => mutate(bytes, other, new RandomStream(1, n)));
  expect(bytes).toEqual(good);
  expect(damaged).toEqual(Array.from({ length: 50 }, (_, n) => mutate(bytes, other, new RandomStream(1, n))));
  expect(new Set(damaged.map((file) => Buffer.from(file).toString('hex'))).size).toBeGreaterThan(48);
  const lengths = new Set(damaged.map(({ length }) => Math.sign(length - bytes.length)));
  expect([...lengths].sort()).toEqual([-1, 0, 1]);
});

it('JSON keeps its form except for the changed part', () => {
  const value = { a: { b: 1, c: [2, 3] }, d: 'text' };
  const changed = Array.from({ length: 60 }, (_, n) => JSON.stringify(mutateJson(value, new RandomStream(2, n))));
  expect(JSON.stringify(value)).toBe('{"a":{"b":1,"c":[2,3]},"d":"text"}');
  expect(changed.filter((text) => text === JSON.stringify(value)).length).toBeLessThan(6);
  expect(changed.filter((text) => text?.includes('"d"')).length).toBeGreaterThan(20);
});

it('a PNG with repaired checksums is read again', () => {
  const png = PNG.sync.write(new PNG({ width: 2, height: 2 }));
  const at = png.indexOf('IHDR');
  png.writeUInt32BE(0, at + 17);
  expect(() => PNG.sync.read(png)).toThrow();
  expect(PNG.sync.read(Buffer.from(mendChecksums(png)))).toMatchObject({ width: 2, height: 2 });
});
