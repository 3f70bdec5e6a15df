import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Device } from '../../../../src/engine/gpu/device.ts';
import { crossEntropy } from '../../../../src/engine/ops/loss/cross_entropy.ts';
import { bceWithLogits } from '../../../../src/engine/ops/loss/losses.ts';
import { klDivLoss } from '../../../../src/engine/ops/loss/more_losses.ts';
import { sum } from '../../../../src/engine/ops/reduce/reduce.ts';
import { backward, grad } from '../../../../src/engine/tape/autograd.ts';
import { run } from '../../../../src/engine/tape/record.ts';
import { Tensor } from '../../../../src/engine/tape/tensor.ts';
import { closeTestDevice, openTestDevice } from '../../../device.ts';

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

it('the gradient of BCE is accurate if sigmoid and target are both near 1', async () => {
  const values = [9.5, 12, 20, 60, -9.5, -60];
  const x = Tensor.from(device, [values.length], values, 'x');
  x.requiresGrad = true;
  for (const target of [1, 0]) {
    const dx = await run(device, () => {
      backward(bceWithLogits(x, target));
      return x.grad as Tensor;
    });
    values.forEach((v, i) => {
      // In float64: sigmoid(v) - 1 = -1 / (1 + e^v), without a difference.
      const want = (target === 1 ? -1 / (1 + Math.exp(v)) : 1 / (1 + Math.exp(-v))) / values.length;
      expect(Math.abs((dx[i] as number) / want - 1), `target ${target}, logit ${v}`).toBeLessThan(3e-6);
    });
  }
});

it('a label that is not a class gives NaN, and labels of another shape are refused', async () => {
  const x = Tensor.from(device, [2, 3], [1, 2, 3, 4, 5, 6], 'x');
  const bad = Tensor.from(device, [2], Uint32Array.of(0, 3), 'labels');
  expect((await run(device, () => crossEntropy(x, bad)))[0]).toBeNaN();
  const short = Tensor.from(device, [1], Uint32Array.of(0), 'labels');
  await expect(run(device, () => crossEntropy(x, short))).rejects.toThrow(
    /labels are \[1\]; logits of \[2,3\] take \[2\]/,
  );
});

it('a probability of 0 adds nothing to the divergence, nor to its gradient', async () => {
  const x = Tensor.from(device, [1, 2], [-1, -2], 'x');
  x.requiresGrad = true;
  const t = Tensor.from(device, [1, 2], [1, 0], 't');
  const { y, dx } = await run(device, () => {
    const y = klDivLoss(x, t);
    backward(y);
    return { y, dx: x.grad as Tensor };
  });
  expect([...y, ...dx.map(Math.abs)]).toEqual([1, 1, 0]);
});

it('a penalty on the gradient of a loss has a gradient', async () => {
  // f = (x − 3)² / 2 for two values: its gradient is x − 3, the penalty's Σ (x − 3)² has the gradient 2 (x − 3).
  const x = Tensor.from(device, [2], [1, 5], 'x');
  x.requiresGrad = true;
  const dx = await run(device, () => {
    const half = bceWithLogits(x, 0.25);
    const [g] = grad(half, [x], { createGraph: true });
    backward(sum(g as Tensor));
    return x.grad as Tensor;
  });
  // d/dx of (sigmoid(x) − t) / 2
  const want = [1, 5].map((v) => Math.exp(-v) / (1 + Math.exp(-v)) ** 2 / 2);
  dx.forEach((v, i) => {
    expect(v).toBeCloseTo(want[i] as number, 5);
  });
});
