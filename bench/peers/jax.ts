import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  blockUntilReady,
  defaultDevice,
  getWebGPUDevice,
  init,
  jit,
  lax,
  numpy as np,
  valueAndGrad,
} from '@jax-js/jax';
import { type ConvProblem, type LoadedConv, outSide, type Peer, timed, watch } from './peer.ts';

/** jax-js on its WebGPU backend, compiled by its `jit`; its layout is ours. */
export async function openJax(): Promise<Peer> {
  const devices = await init('webgpu');
  if (!devices.includes('webgpu')) throw new Error(`jax-js gave no WebGPU device, only ${devices.join(', ')}`);
  defaultDevice('webgpu');
  const check = watch(getWebGPUDevice());
  return {
    name: 'jax-js',
    version: `@jax-js/jax ${packageVersion()}`,
    load: async (problem) => load(check, problem),
    close: () => getWebGPUDevice().destroy(),
  };
}

function load(check: () => void, { shape, x, w, r }: ConvProblem): LoadedConv {
  const { batch, inC, outC, side, kernel, padding } = shape;
  const out = outSide(shape);
  const array = (data: Float32Array, sides: number[]) => np.array(data as Float32Array<ArrayBuffer>).reshape(sides);
  const picture = array(x, [batch, inC, side, side]);
  const weight = array(w, [outC, inC, kernel, kernel]);
  const weights = array(r, [batch, outC, out, out]);
  const pads: [number, number][] = [
    [padding, padding],
    [padding, padding],
  ];
  const conv = (a: np.Array, b: np.Array) => lax.convGeneralDilated(a, b, [1, 1], pads);
  const forward = jit(conv);
  const gradients = jit(
    valueAndGrad((a: np.Array, b: np.Array, c: np.Array) => np.sum(conv(a, b).mul(c)), { argnums: [0, 1] }),
  );
  // A function consumes the arrays that it gets. Pass `.ref` to keep one.
  const once = () => gradients(picture.ref, weight.ref, weights.ref);
  return {
    forward: (times) =>
      timed(async () => {
        const results = Array.from({ length: times }, () => forward(picture.ref, weight.ref));
        await blockUntilReady(results);
        check();
        for (const y of results) y.dispose();
      }),
    both: (times) =>
      timed(async () => {
        const results = Array.from({ length: times }, once);
        await blockUntilReady(results);
        check();
        for (const [loss, [dx, dw]] of results) {
          await loss.data();
          dx.dispose();
          dw.dispose();
        }
      }),
    async answer() {
      const y = forward(picture.ref, weight.ref);
      const [loss, [dx, dw]] = once();
      loss.dispose();
      const [yData, dxData, dwData] = await Promise.all([y, dx, dw].map((a) => a.data() as Promise<Float32Array>));
      return { y: yData as Float32Array, dx: dxData as Float32Array, dw: dwData as Float32Array };
    },
    free() {
      for (const a of [picture, weight, weights]) a.dispose();
      forward.dispose();
      gradients.dispose();
    },
  };
}

/** Reads the version from the file: the package's code does not state it, and its exports hide package.json. */
function packageVersion(): string {
  const file = createRequire(import.meta.url).resolve('@jax-js/jax');
  return JSON.parse(readFileSync(join(dirname(file), '..', 'package.json'), 'utf8')).version;
}
