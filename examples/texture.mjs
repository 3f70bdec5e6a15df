// 4. Texture synthesis (Gatys, Ecker & Bethge 2015): noise becomes a texture whose Gram matrices, in a network that was trained
// on digits, are those of a picture. The optimizer moves the pixels, not the weights.
import {
  Adam,
  add,
  backward,
  Conv2d,
  clamp,
  crossEntropy,
  Flatten,
  Linear,
  MaxPool2d,
  matmul,
  mseLoss,
  openDevice,
  ReLU,
  record,
  reshape,
  run,
  Sequential,
  scale,
  Tensor,
} from 'pixtape';
import { batchOf, digits, random, stepsOr, writeSheet } from './shared/data.mjs';

const device = await openDevice();
const features = [new Conv2d(device, 1, 16, 5, { padding: 2 }), new Conv2d(device, 16, 32, 5, { padding: 2 })];
const net = new Sequential(
  features[0],
  new ReLU(),
  new MaxPool2d(2),
  features[1],
  new ReLU(),
  new MaxPool2d(2),
  new Flatten(),
  new Linear(device, 32 * 7 * 7, 10),
);

// The network of example 1, trained briefly.
const [BATCH, SIDE] = [32, 112];
const { train } = digits();
const x = Tensor.zeros(device, [BATCH, 1, 28, 28], 'digits');
const labels = Tensor.zeros(device, [BATCH], 'labels', 'u32');
const adam = new Adam(device, net.parameters(), { lr: 1e-3 });
const learn = await record(device, () => {
  backward(crossEntropy(net.forward(x), labels));
  adam.step();
});
const draw = random(4);
for (let t = 0; t < Math.min(300, stepsOr(300)); t++) {
  const chosen = Array.from({ length: BATCH }, () => Math.floor(draw() * train.labels.length));
  x.write(batchOf(chosen.map((i) => train.pictures[i])));
  labels.write(chosen.map((i) => train.labels[i]));
  learn.run();
}

/** The products of each two channels, over all pixels: what is where is lost, which goes with which is kept. */
function grams(picture) {
  return features.reduce(
    ({ found, y }, conv) => {
      const next = new ReLU().forward(conv.forward(y));
      const [, c, h, w] = next.shape;
      const flat = reshape(next, [c, h * w]);
      return {
        found: [...found, scale(matmul(flat, flat, { transposeB: true }), 1 / (h * w))],
        y: new MaxPool2d(2).forward(next),
      };
    },
    { found: [], y: picture },
  ).found;
}

// A sheet of sixteen digits is the texture to imitate.
const sheet = new Float32Array(SIDE * SIDE);
for (let n = 0; n < 16; n++) {
  const digit = train.pictures[Math.floor(draw() * train.pictures.length)];
  digit.forEach((value, i) => {
    sheet[(Math.floor(n / 4) * 28 + Math.floor(i / 28)) * SIDE + (n % 4) * 28 + (i % 28)] = value;
  });
}
const wanted = (await run(device, () => grams(Tensor.from(device, [1, 1, SIDE, SIDE], sheet)))).map((values) => {
  const side = Math.sqrt(values.length);
  return Tensor.from(device, [side, side], values);
});
const picture = Tensor.from(
  device,
  [1, 1, SIDE, SIDE],
  Float32Array.from(sheet, () => 0.3 * draw()),
  'picture',
);
picture.requiresGrad = true;
const painter = new Adam(device, [picture], { lr: 0.02 });
const step = await record(device, () => {
  const loss = net.withFrozenWeights(() =>
    grams(clamp(picture, 0, 1))
      .map((g, i) => mseLoss(g, wanted[i]))
      .reduce((a, b) => add(a, b)),
  );
  backward(loss);
  painter.step();
  return loss;
});
const steps = stepsOr(600);
for (let t = 1; t <= steps; t++) {
  step.run();
  if (t % 100 === 0 || t === steps)
    console.log(`step ${t}: distance of the Gram matrices ${(await step.outputs.read())[0].toExponential(2)}`);
}
console.log(
  await writeSheet('texture.png', [sheet, await picture.read()], { side: SIDE, channels: 1, across: 2, zoom: 3 }),
);
device.destroy();
