// 4. Texture synthesis (Gatys, Ecker & Bethge 2015): turns noise into a texture that has a picture's Gram matrices in a
// network trained on digits. The optimizer changes the pixels, not the weights.
import * as pt from 'pixtape';
import { batchOf, digits, random, stepsOr, tiled, writeSheet } from './shared/data.mjs';

const device = await pt.openDevice();
const features = [new pt.Conv2d(device, 1, 16, 5, { padding: 2 }), new pt.Conv2d(device, 16, 32, 5, { padding: 2 })];
const block = (conv) => [conv, new pt.ReLU(), new pt.MaxPool2d(2)];
const net = new pt.Sequential(...features.flatMap(block), new pt.Flatten(), new pt.Linear(device, 32 * 7 * 7, 10));

// The network of example 1, trained briefly.
const [BATCH, SIDE] = [32, 112];
const { train } = digits();
const x = pt.Tensor.zeros(device, [BATCH, 1, 28, 28], 'digits');
const labels = pt.Tensor.zeros(device, [BATCH], 'labels', 'u32');
const adam = new pt.Adam(device, net.parameters(), { lr: 1e-3 });
const learn = await pt.record(device, () => {
  pt.backward(pt.crossEntropy(net.forward(x), labels));
  adam.step();
});
const draw = random(4);
for (let t = 0; t < Math.min(300, stepsOr(300)); t++) {
  const chosen = Array.from({ length: BATCH }, () => Math.floor(draw() * train.labels.length));
  x.write(batchOf(chosen.map((i) => train.pictures[i])));
  labels.write(chosen.map((i) => train.labels[i]));
  learn.run();
}

/** The product of each pair of channels, summed over all pixels: keeps what occurs together, not where. */
function grams(picture) {
  return features.reduce(
    ({ found, y }, conv) => {
      const next = new pt.ReLU().forward(conv.forward(y));
      const [, c, h, w] = next.shape;
      const flat = pt.reshape(next, [c, h * w]);
      return {
        found: [...found, pt.scale(pt.matmul(flat, flat, { transposeB: true }), 1 / (h * w))],
        y: new pt.MaxPool2d(2).forward(next),
      };
    },
    { found: [], y: picture },
  ).found;
}

// A sheet of sixteen digits is the texture to imitate.
const chosen = Array.from({ length: 16 }, () => train.pictures[Math.floor(draw() * train.pictures.length)]);
const sheet = tiled(chosen, { side: 28, across: 4 });
const wanted = (await pt.run(device, () => grams(pt.Tensor.from(device, [1, 1, SIDE, SIDE], sheet)))).map((values) => {
  const side = Math.sqrt(values.length);
  return pt.Tensor.from(device, [side, side], values);
});
const noise = Float32Array.from(sheet, () => 0.3 * draw());
const picture = pt.Tensor.from(device, [1, 1, SIDE, SIDE], noise, 'picture');
picture.requiresGrad = true;
const painter = new pt.Adam(device, [picture], { lr: 0.02 });
const step = await pt.record(device, () => {
  const loss = net.withFrozenWeights(() =>
    grams(pt.clamp(picture, 0, 1))
      .map((g, i) => pt.mseLoss(g, wanted[i]))
      .reduce((a, b) => pt.add(a, b)),
  );
  pt.backward(loss);
  painter.step();
  return loss;
});
const steps = stepsOr(600);
for (let t = 1; t <= steps; t++) {
  step.run();
  if (t % 100 === 0 || t === steps)
    console.log(`step ${t}: distance of the Gram matrices ${(await step.outputs.read())[0].toExponential(2)}`);
}
const pictures = [sheet, await picture.read()];
console.log(await writeSheet('texture.png', pictures, { side: SIDE, channels: 1, across: 2, zoom: 3 }));
device.destroy();
