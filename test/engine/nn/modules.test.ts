import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Device } from '../../../src/engine/gpu/device.ts';
import { ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh } from '../../../src/engine/nn/activations.ts';
import { Conv2d } from '../../../src/engine/nn/layers.ts';
import { type Layer, Sequential } from '../../../src/engine/nn/sequential.ts';
import {
  elu,
  gelu,
  leakyRelu,
  relu,
  sigmoid,
  silu,
  softplus,
  tanh,
} from '../../../src/engine/ops/elementwise/activations.ts';
import { run } from '../../../src/engine/tape/record.ts';
import { Tensor } from '../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../device.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

it('Sequential applies modules and functions in order, under PyTorch’s names', async () => {
  const first = new Conv2d(device, 1, 2, 1);
  const net = new Sequential(first, relu, new Sequential(new Conv2d(device, 2, 1, 1, { bias: false })));
  expect([...net.stateDict().keys()]).toEqual(['0.weight', '0.bias', '2.0.weight']);
  const x = Tensor.from(device, [1, 1, 1, 2], [1, -2]);
  const { got, want } = await run(device, () => {
    const last = [...net.modules()].at(-1)?.[1] as Conv2d;
    return { got: net.forward(x), want: last.forward(relu(first.forward(x))) };
  });
  expect(got).toEqual(want);
  expect(() => new Sequential('relu' as unknown as Layer)).toThrow(/layer 0 is neither/);
});

it('activations as modules are the operations', async () => {
  const x = Tensor.from(device, [5], [-3, -0.5, 0, 0.5, 3]);
  const pairs: [Layer, (x: Tensor) => Tensor][] = [
    [new ReLU(), relu],
    [new LeakyReLU(0.2), (v) => leakyRelu(v, 0.2)],
    [new Sigmoid(), sigmoid],
    [new Tanh(), tanh],
    [new GELU(), gelu],
    [new GELU('tanh'), (v) => gelu(v, 'tanh')],
    [new SiLU(), silu],
    [new Softplus(), softplus],
    [new ELU(0.5), (v) => elu(v, 0.5)],
  ];
  const results = await run(device, () => pairs.map(([layer, op]) => [new Sequential(layer).forward(x), op(x)]));
  for (const [got, want] of results) expect(got).toEqual(want);
});
