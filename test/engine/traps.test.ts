import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../src/engine/gpu/device.ts';
import { BatchNorm2d, Conv2d, Dropout } from '../../src/engine/nn/layers.ts';
import { buffer, Module, parameter } from '../../src/engine/nn/module.ts';
import { Adam } from '../../src/engine/nn/optim/adam.ts';
import { relu } from '../../src/engine/ops/elementwise/activations.ts';
import { add, mul, scale } from '../../src/engine/ops/elementwise/arithmetic.ts';
import { mseLoss } from '../../src/engine/ops/loss/losses.ts';
import { dropout } from '../../src/engine/ops/random/dropout.ts';
import { mean, sum } from '../../src/engine/ops/reduce/reduce.ts';
import { backward, grad } from '../../src/engine/tape/autograd.ts';
import { record, run } from '../../src/engine/tape/record.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';
import type { ErrorCode, PixtapeError } from '../../src/engine/util/errors.ts';
import { closeTestDevice, openTestDevice } from '../device.ts';

/** Mistakes that look fine and train badly: each must work by itself, or throw with a hint. */

let device: Device;
beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

class Block extends Module {
  readonly conv: Conv2d;
  readonly layers: Module[];
  readonly gain: Tensor;
  readonly runningScale: Tensor;
  readonly fixed: Tensor;
  readonly frozen = Tensor.zeros(device, [1], 'frozen');

  constructor() {
    super();
    this.conv = new Conv2d(device, 2, 4, 3, { padding: 1 });
    this.layers = [new Conv2d(device, 4, 4, 1, { bias: false }), new BatchNorm2d(device, 4)];
    this.gain = parameter(Tensor.from(device, [1], [2], 'gain'));
    this.runningScale = buffer(Tensor.zeros(device, [1], 'running scale'));
    this.fixed = Tensor.zeros(device, [3], 'no state');
  }
}

const bits = async (t: Tensor) => [...new Uint32Array((await t.read()).slice().buffer)];

describe('new layers', () => {
  it('start like PyTorch’s: uniform in ±1/√fan_in, norms at 1 and 0', async () => {
    const conv = new Conv2d(device, 8, 64, 3);
    const bound = 1 / Math.sqrt(8 * 9);
    for (const values of [await conv.weight.read(), await (conv.bias as Tensor).read()]) {
      const most = Math.max(...values.map(Math.abs));
      expect(most).toBeLessThanOrEqual(bound);
      expect(most).toBeGreaterThan(0.9 * bound);
    }
    const deviation = Math.sqrt((await conv.weight.read()).reduce((s, v) => s + v * v, 0) / conv.weight.size);
    expect(deviation / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
    const norm = new BatchNorm2d(device, 3);
    expect([...(await norm.weight.read()), ...(await norm.bias.read())]).toEqual([1, 1, 1, 0, 0, 0]);
    expect([...(await norm.runningVar.read())]).toEqual([1, 1, 1]);
  });

  it('differ from each other, and repeat for a seed', async () => {
    const [a, b] = [new Conv2d(device, 1, 1, 3), new Conv2d(device, 1, 1, 3)];
    expect(await bits(a.weight)).not.toEqual(await bits(b.weight));
    const [c, d] = [new Conv2d(device, 1, 1, 3, { seed: 5 }), new Conv2d(device, 1, 1, 3, { seed: 5 })];
    expect(await bits(c.weight)).toEqual(await bits(d.weight));
  });

  it('learn: every weight of a custom network gets a gradient that is not zero', async () => {
    const block = new Block();
    const [head] = block.layers;
    const x = Tensor.from(device, [1, 2, 6, 6], wave(72));
    const gradients = await run(device, () => {
      backward(
        mean(
          mul(
            (head as Conv2d).forward(relu(block.conv.forward(x))),
            (head as Conv2d).forward(relu(block.conv.forward(x))),
          ),
        ),
      );
      return [
        block.conv.weight.grad as Tensor,
        block.conv.bias?.grad as Tensor,
        (head as Conv2d).weight.grad as Tensor,
      ];
    });
    for (const g of gradients) expect(g.some((v) => v !== 0)).toBe(true);
  });
});

describe('a program counts its own runs', () => {
  it('Adam’s bias correction advances, and resumes', async () => {
    const weights = async (resumeAt: number | undefined) => {
      const w = Tensor.from(device, [3], [1, -2, 3], 'w');
      w.requiresGrad = true;
      const adam = new Adam(device, [w], { lr: 0.1 });
      const step = await record(device, () => {
        backward(sum(mul(w, w)));
        adam.step();
      });
      for (let t = 1; t <= 4; t++) {
        if (t === resumeAt) adam.setStep(t);
        step.run();
      }
      expect(adam.steps).toBe(4);
      return bits(w);
    };
    const straight = await weights(undefined);
    expect(await weights(3)).toEqual(straight);
    // By hand: with the correction stuck at step 1 the second step would be almost 10 times as long.
    const w = Tensor.from(device, [1], [1], 'w');
    w.requiresGrad = true;
    const adam = new Adam(device, [w], { lr: 0.1 });
    const step = await record(device, () => {
      backward(sum(w));
      adam.step();
    });
    for (let t = 1; t <= 10; t++) step.run();
    expect((await w.read())[0]).toBeCloseTo(0, 5);
  });

  it('two updates in one program are two steps', async () => {
    const w = Tensor.from(device, [1], [1], 'w');
    w.requiresGrad = true;
    const adam = new Adam(device, [w], { lr: 0.1 });
    const twice = await record(device, () => {
      for (let i = 0; i < 2; i++) {
        w.grad = undefined;
        backward(sum(w));
        adam.step();
      }
    });
    twice.run();
    expect(adam.steps).toBe(2);
    expect((await w.read())[0]).toBeCloseTo(0.8, 5);
  });

  it('dropout has a new mask in every run, by itself', async () => {
    const x = Tensor.from(device, [256], new Float32Array(256).fill(1));
    const drop = new Dropout(0.5);
    const recorded = await record(device, () => [dropout(x, 0.5), drop.forward(x)]);
    const masks = [];
    for (let t = 0; t < 3; t++) {
      recorded.run();
      masks.push(...(await Promise.all(recorded.outputs.map(bits))).map(String));
    }
    expect(new Set(masks).size).toBe(6);
  });
});

describe('modules', () => {
  it('find children, arrays of modules, parameters and buffers by assignment', () => {
    const entries = new Block().stateEntries();
    expect(entries.map((e) => [e.name, e.kind])).toEqual([
      ['gain', 'parameter'],
      ['running_scale', 'buffer'],
      ['conv.weight', 'parameter'],
      ['conv.bias', 'parameter'],
      ['layers.0.weight', 'parameter'],
      ['layers.1.weight', 'parameter'],
      ['layers.1.bias', 'parameter'],
      ['layers.1.running_mean', 'buffer'],
      ['layers.1.running_var', 'buffer'],
      ['layers.1.num_batches_tracked', 'counter'],
    ]);
  });

  it('refuse an array of parameters, which would be lost silently', () => {
    class Lost extends Module {
      readonly gains = [parameter(Tensor.zeros(device, [1], 'gain'))];
    }
    expect(() => new Lost().parameters()).toThrow(/the array gains holds parameters/);
  });

  it('frozen weights get back the requiresGrad that they had; it nests, with four networks too', () => {
    const nets = Array.from({ length: 4 }, () => new Conv2d(device, 1, 1, 1));
    const [a, b, c, d] = nets as [Conv2d, Conv2d, Conv2d, Conv2d];
    a.weight.requiresGrad = false;
    const flags = () => nets.map((net) => net.weight.requiresGrad);
    a.withFrozenWeights(() => {
      b.withFrozenWeights(() => {
        a.withFrozenWeights(() => c.withFrozenWeights(() => expect(flags()).toEqual([false, false, false, true])));
        expect(flags()).toEqual([false, false, true, true]);
      });
      expect(flags()).toEqual([false, true, true, true]);
    });
    expect(flags()).toEqual([false, true, true, true]);
    expect(d.weight.requiresGrad).toBe(true);
  });

  it('load floats of any width, and counts; anything else is refused before a byte is written', async () => {
    const norm = new BatchNorm2d(device, 2);
    const pair = (dtype: 'F32' | 'F64' | 'BF16' | 'I32') =>
      ({
        F32: { dtype: 'F32', shape: [2], data: Float32Array.of(1.5, -2) },
        F64: { dtype: 'F64', shape: [2], data: Float64Array.of(1.5, -2) },
        BF16: { dtype: 'BF16', shape: [2], data: Uint16Array.of(0x3fc0, 0xc000) },
        I32: { dtype: 'I32', shape: [2], data: Int32Array.of(1, 2) },
      })[dtype] as never;
    for (const dtype of ['F32', 'F64', 'BF16'] as const) {
      norm.weight.write([0, 0]);
      norm.loadStateDict(new Map([['weight', pair(dtype)]]), { strict: false });
      expect([...(await norm.weight.read())], dtype).toEqual([1.5, -2]);
    }
    expect(() => norm.loadStateDict(new Map([['weight', pair('I32')]]), { strict: false })).toThrow(/weight is I32/);
    expect(() => norm.loadStateDict(new Map([['weigth', pair('F32')]]))).toThrow(/no tensor named weigth/);
    const some = norm.loadStateDict(new Map([['extra', pair('F32')]]), { strict: false });
    expect(some.unexpected).toEqual(['extra']);
    expect(some.missing).toContain('num_batches_tracked');
  });
});

describe('gradients', () => {
  it('belong to a program: recording twice on the same weights just works', async () => {
    const net = new Conv2d(device, 1, 1, 1, { bias: false });
    net.weight.write([3]);
    const x = Tensor.from(device, [1, 1, 1, 2], [1, 2]);
    const body = () => {
      backward(sum(net.forward(x)));
      return net.weight.grad as Tensor;
    };
    const [first, second] = [await record(device, body), await record(device, body)];
    for (const recorded of [first, second, first]) {
      recorded.run();
      expect([...(await recorded.outputs.read())]).toEqual([3]);
    }
  });

  it('of gradients: grad does not change any leaf’s own', async () => {
    const x = Tensor.from(device, [2], [3, 4], 'x');
    x.requiresGrad = true;
    const { dx, own } = await run(device, () => {
      const [dx] = grad(sum(scale(x, 2)), [x]);
      return { dx: dx as Tensor, own: x.grad };
    });
    expect([...(dx as Float32Array)]).toEqual([2, 2]);
    expect(own).toBeUndefined();
  });
});

describe('memory', () => {
  it('a thousand leaves and modules made and disposed leave it unchanged', () => {
    const before = device.memory.bytes;
    for (let i = 0; i < 1000; i++) Tensor.zeros(device, [100]).dispose();
    for (let i = 0; i < 20; i++) {
      const net = new Block();
      const adam = new Adam(device, net.parameters());
      adam.dispose();
      net.dispose();
      net.fixed.dispose();
      net.frozen.dispose();
    }
    expect(device.memory.bytes).toBe(before);
  });

  it('run() frees what it allocated', async () => {
    const x = Tensor.from(device, [4], [1, 2, 3, 4]);
    const before = device.memory.bytes;
    const { y, rest } = await run(device, () => ({ y: scale(x, 2), rest: [add(x, x), 'text'] }));
    expect([...y]).toEqual([2, 4, 6, 8]);
    expect([...(rest[0] as unknown as Float32Array)]).toEqual([2, 4, 6, 8]);
    expect(device.memory.bytes).toBe(before);
  });
});

describe('mistakes', () => {
  const fails = async (body: () => unknown, message: RegExp, code: ErrorCode = 'misuse') => {
    const error = await Promise.resolve()
      .then(body)
      .then(
        () => undefined,
        (e: unknown) => e as PixtapeError,
      );
    expect(error?.name).toBe('PixtapeError');
    expect(error?.message).toMatch(message);
    expect(error?.hint).toBeTruthy();
    expect(error?.hint).not.toMatch(/--\w/);
    expect(error?.code).toBe(code);
    // The device still works afterwards.
    const x = Tensor.from(device, [1], [1]);
    expect([...(await run(device, () => scale(x, 3)))]).toEqual([3]);
  };
  const leaf = (requiresGrad = true) => {
    const x = Tensor.from(device, [2], [1, 2], 'x');
    x.requiresGrad = requiresGrad;
    return x;
  };

  it('an operation outside record', () => fails(() => scale(leaf(), 2), /outside record\(\)/));
  it('record inside record', async () => {
    let inner: Promise<unknown> | undefined;
    await record(device, () => {
      inner = record(device, () => undefined);
      inner.catch(() => undefined);
      return scale(leaf(), 2);
    });
    await fails(() => inner, /inside record/);
  });
  it('an async body', () => fails(() => record(device, async () => scale(leaf(), 2)), /async function/));
  it('two devices', async () => {
    const other = await openTestDevice();
    try {
      const y = Tensor.from(other, [2], [1, 2], 'y');
      await fails(() => record(device, () => add(leaf(), y)), /different devices/);
      await fails(() => record(device, () => scale(y, 2)), /one device was used while recording on another/);
    } finally {
      other.destroy();
    }
  });
  it('backward of more than one value', () =>
    fails(() => record(device, () => backward(scale(leaf(), 2))), /is \[2\], not one value/));
  it('backward without a gradient', () =>
    fails(() => record(device, () => backward(sum(leaf(false)))), /asks for a gradient/));
  it('an optimizer without gradients', () =>
    fails(() => record(device, () => new Adam(device, [leaf()]).step()), /no parameter has a gradient/));
  it('reading a temporary that was not returned', async () => {
    let middle: Tensor | undefined;
    const x = leaf();
    const recorded = await record(device, () => {
      middle = scale(x, 2);
      const y = mseLoss(middle, x);
      backward(y);
      return y;
    });
    recorded.run();
    await fails(() => middle?.read(), /is a temporary.*\n.*Return it/);
    await fails(() => x.grad?.read(), /is a temporary/);
  });
  it('reading after destroy, running after destroy', async () => {
    const x = leaf();
    const recorded = await record(device, () => scale(x, 2));
    recorded.run();
    recorded.destroy();
    await fails(() => recorded.outputs.read(), /program that was destroyed/);
    await fails(() => recorded.run(), /this program was destroyed/);
  });
  it('using what was disposed', async () => {
    const x = leaf();
    const recorded = await record(device, () => scale(x, 2));
    x.dispose();
    await fails(() => recorded.run(), /uses x, which was disposed/);
    await fails(() => x.read(), /x was disposed/);
    await fails(() => recorded.outputs.dispose(), /belongs to a recorded program/);
  });
  it('whole numbers read as floats', async () => {
    const labels = Tensor.from(device, [2], Uint32Array.of(1, 2), 'labels');
    await fails(() => labels.read(), /labels holds u32/);
    await fails(() => record(device, () => scale(labels, 2)), /labels holds u32/, 'invalid');
    expect([...(await labels.readIntegers())]).toEqual([1, 2]);
  });
  it('outputs of one program used in another work, until the first is destroyed; its temporaries are refused', async () => {
    const x = leaf();
    let middle: Tensor | undefined;
    const first = await record(device, () => {
      middle = scale(x, 2);
      return scale(middle, 2);
    });
    const second = await record(device, () => scale(first.outputs, 10));
    first.run();
    second.run();
    expect([...(await second.outputs.read())]).toEqual([40, 80]);
    await fails(() => record(device, () => scale(middle as Tensor, 2)), /a temporary of another program/);
    first.destroy();
    await fails(() => second.run(), /which belongs to a program that was destroyed/);
  });
});

function wave(n: number): Float32Array {
  return Float32Array.from({ length: n }, (_, i) => Math.sin(i));
}
