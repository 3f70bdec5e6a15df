import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../src/engine/gpu/device.ts';
import { Adam } from '../../src/engine/nn/optim/adam.ts';
import { backward } from '../../src/engine/tape/autograd.ts';
import { record } from '../../src/engine/tape/record.ts';
import { Tensor } from '../../src/engine/tape/tensor.ts';
import { readSafetensors, type SafetensorsFile } from '../../src/files/files.ts';
import { closeTestDevice, openTestDevice } from '../device.ts';
import { runTorchCase, type TorchCase } from './torch_case.ts';

/**
 * Compares single operations with PyTorch's results: `tools/pytorch/python/fixture_sets/op_fixtures.py` writes the file
 * and documents its layout. It covers PyTorch's behaviour at ties, kinks and borders; test/engine/ops covers random
 * shapes.
 */
const FILES = ['ops', 'picture_ops'];
/**
 * Cases for the whole set only: more kernels of convolutions that have other cases here, each of which a CPU driver compiles
 * for seconds.
 */
const LONG = ['ops 4', 'ops 5', 'ops 6', 'ops 9', 'picture_ops 2', 'picture_ops 4', 'picture_ops 5', 'picture_ops 8'];

interface Case extends TorchCase {
  /** Names of the inputs, and of the state that the operation changes. */
  inputs: string[];
}

const sources = await Promise.all(
  FILES.map((name) => readSafetensors(fileURLToPath(new URL(`../fixtures/${name}.safetensors`, import.meta.url)))),
);
const cases = sources.flatMap((source, i) => {
  return (JSON.parse(source.metadata.cases ?? '') as Case[]).map((c, n) => ({ file: FILES[i], source, n, c }));
});
let device: Device;

beforeAll(async () => {
  device = await openTestDevice({ guards: true });
});
afterAll(async () => {
  for (const source of sources) await source.close();
  closeTestDevice(device);
});

for (const one of cases) {
  const title = `${one.file} ${one.n}: ${one.c.op} ${JSON.stringify(one.c.args)}`;
  test(title, { tags: isLong(one) ? ['long'] : [], timeout: 180_000 }, () =>
    one.c.op === 'adam' ? checkAdam(one) : checkOp(one),
  );
}

test('the short set has each operation of each file', () => {
  const operations = (some: typeof cases) => new Set(some.map(({ file, c }) => `${file}: ${c.op}`));
  expect(operations(cases.filter((one) => !isLong(one)))).toEqual(operations(cases));
  // Those left out are convolutions.
  expect(cases.filter(isLong).every(({ c }) => c.op.startsWith('conv'))).toBe(true);
  expect(cases.filter(isLong)).toHaveLength(LONG.length);
});

function isLong({ file, n }: { file: string | undefined; n: number }): boolean {
  return LONG.includes(`${file} ${n}`);
}

interface One {
  source: SafetensorsFile;
  /** The case's number in its file. */
  n: number;
  c: Case;
}

async function checkOp({ source, n, c }: One): Promise<void> {
  const floats = floatsOf(source);
  const leaves = new Map<string, Tensor>();
  for (const name of c.inputs) leaves.set(name, await leaf(source, `${n}.in.${name}`));
  const graded = c.inputs.filter((name) => source.entries.has(`${n}.grad.${name}`));
  expect(graded.length, 'inputs with a gradient').toBeGreaterThan(0);
  for (const name of graded) (leaves.get(name) as Tensor).requiresGrad = true;
  const dy = await leaf(source, `${n}.dy`);
  const recorded = await record(device, () => {
    const y = runTorchCase(device, c, leaves);
    expect(y.shape, 'shape of the result').toEqual(dy.shape);
    backward(y, dy);
    return { y, grads: graded.map((name) => leaves.get(name)?.grad) };
  });
  recorded.run();
  close('result', await recorded.outputs.y.read(), await floats(`${n}.out`));
  for (const [i, name] of graded.entries()) {
    const got = recorded.outputs.grads[i];
    if (!got) throw new Error(`no gradient for ${name}`);
    close(`gradient of ${name}`, await got.read(), await floats(`${n}.grad.${name}`));
  }
  for (const name of c.inputs) {
    if (!source.entries.has(`${n}.after.${name}`)) continue;
    close(`${name} afterwards`, await (leaves.get(name) as Tensor).read(), await floats(`${n}.after.${name}`));
  }
  expect(await recorded.program.brokenGuards(), 'tensors with a write out of bounds').toEqual([]);
  recorded.destroy();
}

/** Adam's gradients are written by hand, one row per step. */
async function checkAdam({ source, n, c: { args } }: One): Promise<void> {
  const floats = floatsOf(source);
  const w = await leaf(source, `${n}.in.w`);
  const [grads, want] = [await floats(`${n}.in.grads`), await floats(`${n}.out`)];
  w.grad = Tensor.zeros(device, w.shape, 'grad');
  const adam = new Adam(device, [w], args);
  const recorded = await record(device, () => adam.step());
  const steps = grads.length / w.size;
  for (let t = 0; t < steps; t++) {
    const row = (values: Float32Array) => values.subarray(t * w.size, (t + 1) * w.size);
    w.grad.write(row(grads));
    recorded.run();
    close(`after step ${t + 1}`, await w.read(), row(want));
  }
  recorded.destroy();
}

function floatsOf(source: SafetensorsFile): (name: string) => Promise<Float32Array> {
  return async (name) => {
    const { data } = await source.read(name);
    if (!(data instanceof Float32Array)) throw new Error(`${name} is not F32`);
    return data;
  };
}

async function leaf(source: SafetensorsFile, name: string): Promise<Tensor> {
  const { shape } = await source.read(name);
  return Tensor.from(device, shape, await floatsOf(source)(name), name);
}

/** Within 1e-5 of a value, and 1e-6 of the largest: the references are exact, so only our rounding counts. */
function close(what: string, got: Float32Array, want: Float32Array): void {
  expect(got.length, `${what}: number of values`).toBe(want.length);
  const most = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  want.forEach((v, i) => {
    const off = Math.abs((got[i] as number) - v);
    if (!(off <= 1e-5 * Math.abs(v) + 1e-6 * most)) throw new Error(`${what}: value ${i} is ${got[i]}, expected ${v}`);
  });
}
