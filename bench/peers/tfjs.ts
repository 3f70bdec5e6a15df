import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-webgpu';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { type ConvProblem, type LoadedConv, outSide, type Peer, reordered, timed, watch } from './peer.ts';

/** Opens TensorFlow.js on its WebGPU backend, with its own layout: pictures NHWC, weights HWIO. */
export async function openTfjs(): Promise<Peer> {
  if (!(await tf.setBackend('webgpu'))) throw new Error('TensorFlow.js gave no WebGPU backend');
  await tf.ready();
  const backend = tf.backend() as WebGPUBackend;
  const check = watch(backend.device);
  return {
    name: 'TF.js',
    version: `@tensorflow/tfjs-core ${tf.version_core} with tfjs-backend-webgpu`,
    load: async (problem) => load(backend, check, problem),
    close: () => {
      backend.device.destroy();
    },
  };
}

function load(backend: WebGPUBackend, check: () => void, { shape, x, w, r }: ConvProblem): LoadedConv {
  const { batch, inC, outC, side, kernel, padding } = shape;
  const out = outSide(shape);
  const picture = tf.tensor4d(reordered(x, [batch, inC, side, side], [0, 2, 3, 1]), [batch, side, side, inC]);
  const weight = tf.tensor4d(reordered(w, [outC, inC, kernel, kernel], [2, 3, 1, 0]), [kernel, kernel, inC, outC]);
  const weights = tf.tensor4d(reordered(r, [batch, outC, out, out], [0, 2, 3, 1]), [batch, out, out, outC]);
  const conv = (a: tf.Tensor4D, b: tf.Tensor4D) => tf.conv2d(a, b, 1, padding);
  const gradients = tf.valueAndGrads((...[a, b]: tf.Tensor[]) => {
    return tf.sum(tf.mul(conv(a as tf.Tensor4D, b as tf.Tensor4D), weights)) as tf.Scalar;
  });
  const settled = async () => {
    backend.ensureCommandEncoderReady();
    backend.endComputePassEncoder();
    backend.submitQueue();
    await backend.device.queue.onSubmittedWorkDone();
    check();
  };
  return {
    forward: (times) =>
      timed(async () => {
        for (let i = 0; i < times; i++) conv(picture, weight).dispose();
        await settled();
      }),
    both: (times) =>
      timed(async () => {
        const results = Array.from({ length: times }, () => gradients([picture, weight]));
        await Promise.all(results.map(({ value }) => value.data()));
        await settled();
        for (const { value, grads } of results) tf.dispose([value, ...grads]);
      }),
    async answer() {
      const y = conv(picture, weight);
      const { value, grads } = gradients([picture, weight]);
      const [yData, dx, dw] = await Promise.all([y, ...grads].map((t) => t.data() as Promise<Float32Array>));
      tf.dispose([y, value, ...grads]);
      return {
        y: reordered(yData as Float32Array, [batch, out, out, outC], [0, 3, 1, 2]),
        dx: reordered(dx as Float32Array, [batch, side, side, inC], [0, 3, 1, 2]),
        dw: reordered(dw as Float32Array, [kernel, kernel, inC, outC], [3, 2, 0, 1]),
      };
    },
    free: () => tf.dispose([picture, weight, weights]),
  };
}
