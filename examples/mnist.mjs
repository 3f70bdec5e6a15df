// 1. A classifier of handwritten digits: two convolutions, two linear layers. After 1,200 steps it classifies 98.5 % of
// held-out digits correctly.
import {
  Adam,
  backward,
  Conv2d,
  cosine,
  crossEntropy,
  Flatten,
  Linear,
  MaxPool2d,
  openDevice,
  ReLU,
  record,
  Sequential,
  Tensor,
} from 'pixtape';
import { batchOf, digits, random, stepsOr } from './shared/data.mjs';

const device = await openDevice();
const net = new Sequential(
  new Conv2d(device, 1, 16, 5, { padding: 2 }),
  new ReLU(),
  new MaxPool2d(2),
  new Conv2d(device, 16, 32, 5, { padding: 2 }),
  new ReLU(),
  new MaxPool2d(2),
  new Flatten(),
  new Linear(device, 32 * 7 * 7, 128),
  new ReLU(),
  new Linear(device, 128, 10),
);

const BATCH = 64;
const steps = stepsOr(1200);
const { train, test } = digits();
const x = Tensor.zeros(device, [BATCH, 1, 28, 28], 'digits');
const labels = Tensor.zeros(device, [BATCH], 'labels', 'u32');
const adam = new Adam(device, net.parameters(), { lr: cosine(2e-3, steps) });
const step = await record(device, () => {
  const loss = crossEntropy(net.forward(x), labels);
  backward(loss);
  adam.step();
  return loss;
});

const draw = random(1);
for (let t = 1; t <= steps; t++) {
  const chosen = Array.from({ length: BATCH }, () => Math.floor(draw() * train.labels.length));
  x.write(batchOf(chosen.map((i) => train.pictures[i])));
  labels.write(chosen.map((i) => train.labels[i]));
  step.run();
  if (t % 100 === 0 || t === steps) console.log(`step ${t}: loss ${(await step.outputs.read())[0].toFixed(4)}`);
}

const answer = await record(device, () => net.eval().forward(x));
let right = 0;
for (let from = 0; from + BATCH <= test.labels.length; from += BATCH) {
  x.write(batchOf(test.pictures.slice(from, from + BATCH)));
  answer.run();
  const logits = await answer.outputs.read();
  for (let n = 0; n < BATCH; n++) {
    const row = [...logits.subarray(10 * n, 10 * n + 10)];
    if (row.indexOf(Math.max(...row)) === test.labels[from + n]) right++;
  }
}
const counted = Math.floor(test.labels.length / BATCH) * BATCH;
console.log(`held out: ${right} of ${counted} right, ${((100 * right) / counted).toFixed(2)} %`);
device.destroy();
