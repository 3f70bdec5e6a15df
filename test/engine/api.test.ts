import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as browser from '../../src/index.ts';
import * as node from '../../src/node.ts';
import { build } from '../cli/command.ts';

/** The library as its users import it: built, and by the package's own name. */
beforeAll(build);
let device: node.Device | undefined;
afterAll(() => device?.destroy());

it('runs the example of the README, and the loss falls', { timeout: 120_000 }, () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['example.mjs'], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
    timeout: 110_000,
  });
  expect(stderr.replace(/^Warning: .*\n/gm, '')).toBe('');
  // It ends by itself, without process.exit.
  expect(status).toBe(0);
  const losses = [...stdout.matchAll(/step \d+: loss (\S+)/g)].map((match) => Number(match[1]));
  expect(losses).toHaveLength(5);
  expect(losses.at(-1)).toBeLessThan(0.1 * (losses[0] as number));
});

it('exports for Node everything that it exports for browsers', () => {
  for (const [name, value] of Object.entries(browser)) expect(node).toHaveProperty(name, value);
  expect(node).toHaveProperty('openDevice');
  expect(browser).not.toHaveProperty('openDevice');
});

it('accepts a custom operation, with kernel and gradient', async () => {
  device = await node.openDevice();
  const source = `
    struct Params { n: u32 }
    @group(0) @binding(0) var<uniform> p: Params;
    @group(0) @binding(1) var<storage, read> a: array<f32>;
    @group(0) @binding(2) var<storage, read> b: array<f32>;
    @group(0) @binding(3) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(64)
    fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < p.n) { y[id.x] = a[id.x] * b[id.x] * b[id.x]; }
    }`;
  const run = (a: node.Tensor, b: node.Tensor) => {
    const y = a.like('cube part');
    node.dispatchElements(a.device.kernel('cube part', source), { a, b, y }, { n: a.size });
    return y;
  };
  // x³, whose gradient is 3 · dy · x².
  const cube = (x: node.Tensor) => node.differentiable(run(x, x), [x], (dy) => [node.scale(run(dy, x), 3)]);
  const x = node.Tensor.from(device, [3], [1, 2, -3]);
  x.requiresGrad = true;
  const { outputs, ...recorded } = await recordRun(device, () => {
    const y = cube(x);
    node.backward(node.sum(y));
    return { y, dx: x.grad as node.Tensor };
  });
  expect([...(await outputs.y.read())]).toEqual([1, 8, -27]);
  expect([...(await outputs.dx.read())]).toEqual([3, 12, 27]);
  expect(recorded.program.dispatchCount).toBeGreaterThan(3);
});

async function recordRun<T>(on: node.Device, body: () => T): Promise<node.Recorded<T>> {
  const recorded = await node.record(on, body);
  recorded.run();
  return recorded;
}
