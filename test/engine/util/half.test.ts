import { expect, it } from 'vitest';
import { fromHalf, LARGEST_HALF, toHalf } from '../../../src/engine/util/half.ts';

const positive = Uint16Array.from({ length: 0x7c00 }, (_, i) => i);

it('knows the values by the format’s definition', () => {
  const known: [number, number][] = [
    [0x0000, 0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, LARGEST_HALF],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
  ];
  for (const [bits, value] of known) expect(fromHalf(Uint16Array.of(bits))[0], bits.toString(16)).toBe(value);
  expect(fromHalf(Uint16Array.of(0x7e00))[0]).toBeNaN();
  expect(Object.is(fromHalf(Uint16Array.of(0x8000))[0], -0)).toBe(true);
});

it('every half is restored, in either sign, and they are in order', () => {
  const values = fromHalf(positive);
  expect(values.every((value, i) => i === 0 || value > (values[i - 1] as number))).toBe(true);
  expect(toHalf(values)).toEqual(positive);
  expect(toHalf(values.map((value) => -value))).toEqual(positive.map((bits) => bits | 0x8000));
  expect([...toHalf(Float32Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY))]).toEqual([0x7c00, 0xfc00]);
  expect(fromHalf(toHalf(Float32Array.of(Number.NaN)))[0]).toBeNaN();
});

it('rounds to the nearest, ties to even, all the way up to infinity', () => {
  const values = [...fromHalf(positive), 65536];
  const word = new Uint32Array(1);
  const float = new Float32Array(word.buffer);
  /** The float32 just below or just above. */
  const neighbour = (value: number, by: number) => {
    float[0] = value;
    word[0] = (word[0] as number) + by;
    return float[0] as number;
  };
  for (let i = 0; i < positive.length; i++) {
    const middle = ((values[i] as number) + (values[i + 1] as number)) / 2;
    const [below, tie, above] = toHalf(Float32Array.of(neighbour(middle, -1), middle, neighbour(middle, 1)));
    if (below !== i || tie !== i + (i % 2) || above !== i + 1) {
      throw new Error(`around ${middle}: ${below}, ${tie}, ${above}; expected ${i}, ${i + (i % 2)}, ${i + 1}`);
    }
  }
});
