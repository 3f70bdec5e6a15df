import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { add, mul, pow } from '../../../../src/engine/ops/elementwise/arithmetic.ts';
import { cast } from '../../../../src/engine/ops/lookup/cast.ts';
import { embedding } from '../../../../src/engine/ops/lookup/embedding.ts';
import { gather, oneHot } from '../../../../src/engine/ops/lookup/gather.ts';
import { sum } from '../../../../src/engine/ops/reduce/reduce.ts';
import { concat, stack } from '../../../../src/engine/ops/shape/concat.ts';
import { expand } from '../../../../src/engine/ops/shape/expand.ts';
import { pad } from '../../../../src/engine/ops/shape/pad.ts';
import { permute, transpose } from '../../../../src/engine/ops/shape/permute.ts';
import { flatten, reshape, squeeze, unsqueeze } from '../../../../src/engine/ops/shape/reshape.ts';
import { slice, split } from '../../../../src/engine/ops/shape/slice.ts';
import { backward } from '../../../../src/engine/tape/autograd.ts';
import { record } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { PixtapeError } from '../../../../src/engine/util/errors.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';

let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(() => closeTestDevice(device));

test('a view costs no dispatch and no memory, and results of it depend on the tensor itself', async () => {
  const x = Tensor.from(
    device,
    [2, 1, 6],
    Float32Array.from({ length: 12 }, (_, i) => i),
  );
  x.requiresGrad = true;
  const body = (view: (x: Tensor) => Tensor) => () => {
    const y = view(x);
    backward(sum(pow(y, 2)));
    return { y, dx: x.grad as Tensor };
  };
  const plain = await record(
    device,
    body((t) => t),
  );
  const viewed = await record(
    device,
    body((t) => unsqueeze(squeeze(flatten(reshape(permute(t, [1, 0, 2]), [3, -1]))), 1)),
  );
  expect(viewed.program.dispatchCount).toBe(plain.program.dispatchCount);
  expect(viewed.program.bytes).toBe(plain.program.bytes);
  viewed.run();
  expect(viewed.outputs.y.shape).toEqual([12, 1]);
  expect(viewed.outputs.y.storage).toBe(x.storage);
  expect([...(await viewed.outputs.dx.read())]).toEqual(Array.from({ length: 12 }, (_, i) => 2 * i));
  expect(viewed.outputs.dx.shape).toEqual([2, 1, 6]);
  plain.destroy();
  viewed.destroy();
});

test('a view and the tensor itself may be operands of one operation', async () => {
  const x = Tensor.from(device, [2, 3], [1, 2, 3, 4, 5, 6]);
  const recorded = await record(device, () => add(reshape(mul(x, 2), [3, 2]), reshape(x, [3, 2])));
  recorded.run();
  expect([...(await recorded.outputs.read())]).toEqual([3, 6, 9, 12, 15, 18]);
  recorded.destroy();
});

test('whole numbers keep every bit through views and copies', async () => {
  // As floats these would be denormal, infinite and NaN.
  const values = Uint32Array.of(1, 0x7f800000, 0x7fc00001, 0xffffffff, 5, 0x80000001);
  const x = Tensor.from(device, [2, 3], values);
  const recorded = await record(device, () => [
    reshape(x, [6]),
    permute(x, [1, 0]),
    slice(x, [undefined, { step: -1 }]),
    pad(x, [1, 0], 'constant', 9),
    pad(x, [0, 1], 'replicate'),
    concat([x, x], 0),
    stack([x, x], 2),
    expand(unsqueeze(x, 1), [2, 2, 3]),
  ]);
  recorded.run();
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = values;
  expect(await Promise.all(recorded.outputs.map(async (t) => [...(await t.readIntegers())]))).toEqual([
    [a, b, c, d, e, f],
    [a, d, b, e, c, f],
    [c, b, a, f, e, d],
    [9, a, b, c, 9, d, e, f],
    [a, b, c, c, d, e, f, f],
    [a, b, c, d, e, f, a, b, c, d, e, f],
    [a, a, b, b, c, c, d, d, e, e, f, f],
    [a, b, c, a, b, c, d, e, f, d, e, f],
  ]);
  recorded.destroy();
});

test('an index beyond the table gives NaN, and does not take part in the gradient', async () => {
  const weight = Tensor.from(device, [2, 2], [1, 2, 3, 4]);
  weight.requiresGrad = true;
  const index = Tensor.from(device, [4], Uint32Array.of(1, 2, 1, 0xffffffff));
  const recorded = await record(device, () => {
    const y = embedding(index, weight);
    const picked = gather(weight, 0, reshape(index, [2, 2]));
    backward(y, Tensor.from(device, y.shape, [1, 10, 100, 100, 2, 20, 100, 100]));
    return [y, picked, weight.grad as Tensor];
  });
  recorded.run();
  const [y, picked, gradient] = await Promise.all(recorded.outputs.map((t) => t.read()));
  expect([...y!]).toEqual([3, 4, Number.NaN, Number.NaN, 3, 4, Number.NaN, Number.NaN]);
  expect([...picked!]).toEqual([3, Number.NaN, 3, Number.NaN]);
  expect([...gradient!]).toEqual([0, 0, 3, 30]);
  recorded.destroy();
});

test('wrong shapes and arguments are named, by PixtapeErrors', async () => {
  const recorded = await record(device, () => {
    const x = Tensor.zeros(device, [2, 3], 'x');
    const wrong: [() => unknown, RegExp][] = [
      [() => reshape(x, [4, -1]), /reshape: x \[2,3\] has 6 values, \[4,-1\] does not have as many/],
      [() => reshape(x, [-1, -1]), /leaves more than one side open/],
      [() => reshape(x, [1.5, 4]), /reshape: shape is \[1.5, 4\]/],
      [() => flatten(x, 1, 0), /flatten: axis 0 lies before axis 1/],
      [() => flatten(x, 2), /flatten: there is no axis 2 in x \[2,3\]/],
      [() => squeeze(x, [0, -2]), /squeeze: the axes \[0,-2\] name one axis/],
      [() => unsqueeze(x, 4), /unsqueeze: there is no axis 4/],
      [() => permute(x, [0, 0]), /permute: \[0,0\] is not a permutation/],
      [() => permute(x, '01' as never), /permute: axes is '01'/],
      [() => transpose(x, 0, 2), /transpose: there is no axis 2/],
      [() => expand(x, [2, 6]), /expand: x \[2,3\] cannot be repeated to \[2,6\]/],
      [() => expand(x, [3]), /expand: x \[2,3\] cannot/],
      [() => slice(x, [{ start: 2 }]), /slice: nothing is left of axis 0/],
      [() => slice(x, [{ start: 0.5 }]), /slice: start is 0.5; it must be a whole number/],
      [() => slice(x, [{ from: 1 } as never]), /slice: there is no option from/],
      [() => slice(x, [{ step: 0 }]), /step along axis 0 is 0/],
      [() => slice(x, [{}, {}, {}]), /slice: there are 3 ranges/],
      [() => split(x, [1, 1], 1), /split: \[1,1\] adds up to 2, axis 1 of x \[2,3\] is 3 long/],
      [() => pad(x, [1]), /pad: \[1\] is not two numbers/],
      [() => pad(x, [3, 0], 'reflect'), /pad: 3 and 0 are too many for axis 1/],
      [() => pad(x, [-2, -1]), /pad: -2 and -1 are too many/],
      [() => pad(x, [1, 1], 'circular' as never), /pad: mode is 'circular'; it must be 'constant' or 'reflect' or/],
      [() => concat([]), /concat: there is nothing to join/],
      [() => concat([x, Tensor.zeros(device, [3, 3], 'z')]), /concat: x is \[2,3\], z is \[3,3\]/],
      [() => concat([x, cast(x, 'u32')]), /concat: x is \[2,3\], cast is \[2,3\]/],
      [() => stack([x, Tensor.zeros(device, [3, 3], 'z')]), /stack: x is \[2,3\], z is \[3,3\]/],
      [() => embedding(x, x), /embedding: the indices x are f32; expected u32/],
      [() => gather(x, 1, cast(reshape(x, [3, 2]), 'u32')), /gather: x is \[2,3\], the indices are \[3,2\]/],
      [() => oneHot(cast(x, 'u32'), 0), /oneHot: classes is 0/],
      [() => cast(x, 'f64' as never), /cast: dtype is 'f64'/],
    ];
    for (const [call, message] of wrong) {
      expect(call).toThrow(message);
      expect(call).toThrow(PixtapeError);
    }
    return add(x, x);
  });
  recorded.destroy();
});
