import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import {
  Adam,
  AdamW,
  cosine,
  linearDecay,
  Plateau,
  RMSprop,
  record,
  SGD,
  scale,
  stepDecay,
  Tensor,
  type Values,
  warmup,
} from '../../../src/engine/index.ts';
import { PixtapeError } from '../../../src/engine/util/errors.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

const any = (value: unknown) => value as never;
const leaf = () => {
  const x = Tensor.from(device, [2], [1, 2], 'x');
  x.requiresGrad = true;
  return x;
};

/** Calls with one mistake each, and the error that names it. */
const slips: [string, () => unknown, RegExp][] = [
  ['Adam, an option that nobody knows', () => new Adam(device, [leaf()], any({ weightdecay: 1 })), /^Adam: .*weightdecay\n.*weightDecay/],
  ['AdamW likewise', () => new AdamW(device, [leaf()], any({ beta: 1 })), /^AdamW: there is no option beta/],
  ['SGD likewise', () => new SGD(device, [leaf()], any({ lr: 1, momentun: 1 })), /^SGD: there is no option momentun/],
  ['RMSprop likewise', () => new RMSprop(device, [leaf()], any({ lr: 1, rho: 1 })), /^RMSprop: there is no option rho/],
  ['options that are a number', () => new Adam(device, [leaf()], any(0.1)), /^Adam: the options are 0\.1/],
  ['stepDecay by nothing', () => stepDecay(1, 0), /^stepDecay: size is 0; it must be a number above 0/],
  ['stepDecay of NaN', () => stepDecay(Number.NaN, 5), /^stepDecay: lr is NaN/],
  ['cosine over no steps', () => cosine(1, 0), /^cosine: steps is 0/],
  ['linearDecay of a word', () => linearDecay(1, 5, any('9')), /^linearDecay: decay is '9'/],
  ['warmup over less than nothing', () => warmup(1, -3), /^warmup: steps is -3/],
  ['warmup to null', () => warmup(any(null), 3), /^warmup: schedule is null; .* or a schedule/],
  ['Plateau, an option that nobody knows', () => new Plateau(1, any({ patiance: 3 })), /^Plateau: there is no option patiance/],
  ['Plateau that raises', () => new Plateau(1, { factor: 2 }), /^Plateau: factor is 2/],
  ['a shape that is a word', () => Tensor.zeros(device, any('3'), 'y'), /^y: the shape is "3"; it must be a list/],
  ['a shape that is a number', () => Tensor.zeros(device, any(3), 'y'), /^y: the shape is 3;/],
  ['no body', () => record(device, any(3)), /^record: the body is number/],
  ['record, an option that nobody knows', () => record(device, () => scale(leaf(), 2), any({ precison: 'f16' })), /^record: there is no option precison/],
  ['record, a precision that there is not', () => record(device, () => scale(leaf(), 2), any({ precision: 'f64' })), /^record: precision is "f64"/],
]; // biome-ignore format: a row each

test.each(slips)('%s is named at the call', async (_, call, message) => {
  const error = await Promise.resolve()
    .then(call)
    .then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
  expect(error).toBeInstanceOf(PixtapeError);
  expect(error?.message).toMatch(message);
});

test('correct arguments are accepted', () => {
  expect(linearDecay(1, -1, 2)(1)).toBe(0.5);
  expect(stepDecay(1, 0.5)(1)).toBe(1);
  expect(warmup(cosine(1, 10), 2)(1)).toBe(0.5);
  expect(new Plateau(1, { factor: 0.5, patience: 0, threshold: 0, least: 0.1 }).observe(1)).toBe(1);
});
/** Which values a tensor accepts, in any of the ways to write them. */
describe('values', () => {
  const nested = any([
    [1, 2],
    [3, 4],
  ]);
  const right: [string, Values, number[]][] = [
    ['a plain array', [1.5, -0, Number.NaN, Number.POSITIVE_INFINITY], [1.5, -0, Number.NaN, Number.POSITIVE_INFINITY]],
    ['halves of doubles', Float64Array.of(1, 2, 3, 4.5), [1, 2, 3, 4.5]],
    ['bytes', Uint8Array.of(1, 2, 3, 255), [1, 2, 3, 255]],
    ['whole numbers', Int32Array.of(-1, 2, 3, 4), [-1, 2, 3, 4]],
  ];
  test.each(right)('%s: written', async (_, values, expected) => {
    const x = Tensor.zeros(device, [2, 2], 'x');
    x.write(values);
    expect([...(await x.read())]).toEqual(expected);
    const y = Tensor.lazy(device, [2, 2], 'y', () => Float32Array.from(values));
    expect([...(await y.read())]).toEqual(expected);
  });

  const wrong: [string, unknown, RegExp][] = [
    ['nested arrays', nested, /^x is \[2,2\], 4 values; 2 were given\n.*flat/],
    ['an array in an array', [1, 2, [3], 4], /^x holds f32; value 2 is Array\n.*flat/],
    ['words', ['1', 2, 3, 4], /^x holds f32; value 0 is '1'/],
    ['a hole', [1, 2, undefined, 4], /^x holds f32; value 2 is undefined/],
    ['null', [1, null, 3, 4], /^x holds f32; value 1 is null/],
    ['large whole numbers', [1, 2, 3, 4n], /^x holds f32; value 3 is 4n/],
    ['an array of them', BigInt64Array.of(1n, 2n, 3n, 4n), /^x: the values are BigInt64Array/],
    ['a number', 3, /^x: the values are 3; they must be numbers in an array/],
    ['nothing', undefined, /^x: the values are undefined/],
    ['bare memory', new ArrayBuffer(16), /^x: the values are ArrayBuffer/],
    ['a view of it', new DataView(new ArrayBuffer(16)), /^x: the values are DataView/],
    ['a word of as many letters', '1234', /^x: the values are '1234'/],
    ['too few', [1, 2, 3], /^x is \[2,2\], 4 values; 3 were given/],
  ];
  test.each(wrong)('%s: refused by name, before anything is written', async (_, values, message) => {
    const x = Tensor.from(device, [2, 2], [5, 6, 7, 8], 'x');
    expect(() => x.write(any(values))).toThrow(message);
    expect([...(await x.read())]).toEqual([5, 6, 7, 8]);
    expect(() => Tensor.from(device, [2, 2], any(values), 'x')).toThrow(message);
    await expect(Tensor.lazy(device, [2, 2], 'x', () => any(values)).read()).rejects.toThrow(message);
  });

  test.each([
    ['u32', 1.5],
    ['u32', -1],
    ['u32', 2 ** 32],
    ['u32', Number.NaN],
    ['i32', 2 ** 31],
    ['i32', 0.5],
  ] as const)('%s refuses %d, and takes what it holds', async (dtype, value) => {
    const x = Tensor.zeros(device, [2], 'x', dtype);
    for (const values of [[1, value], Float64Array.of(1, value)]) {
      expect(() => x.write(values)).toThrow(`x holds ${dtype}; value 1 is ${value}`);
    }
    x.write([7, -0]);
    expect([...(await x.readIntegers())]).toEqual([7, 0]);
    const most = dtype === 'u32' ? 2 ** 32 - 1 : -(2 ** 31);
    x.write(Float64Array.of(0, most));
    expect([...(await x.readIntegers())]).toEqual([0, most]);
  });

  test('a write beyond a storage, where another may be, is refused', async () => {
    const [a, b] = [Tensor.from(device, [2], [1, 2], 'a'), Tensor.from(device, [2], [3, 4], 'b')];
    new SGD(device, [a, b], { lr: 1 });
    expect(() => device.write(a.storage, new Float32Array(100))).toThrow(
      /^a has 8 bytes; given to write: 400 bytes at 0/,
    );
    expect(() => device.write(a.storage, new Float32Array(2), 4)).toThrow(/8 bytes at 4/);
    expect(() => device.write(a.storage, any([1, 2]))).toThrow(/given to write: object/);
    device.write(a.storage, Float32Array.of(9), 4);
    expect([...(await a.read()), ...(await b.read())]).toEqual([1, 9, 3, 4]);
  });
});
