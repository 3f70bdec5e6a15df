// 2. A variational auto-encoder of digits (Kingma & Welling 2014): draws new digits from noise, and writes a sheet of
// them.
import {
  Adam,
  add,
  backward,
  bceWithLogits,
  exp,
  Linear,
  Module,
  mul,
  normalDivergence,
  openDevice,
  randn,
  record,
  relu,
  scale,
  sigmoid,
  split,
  Tensor,
} from 'pixtape';
import { batchOf, digits, random, stepsOr, writeSheet } from './shared/data.mjs';

const [BATCH, PIXELS, HIDDEN, LATENT] = [64, 784, 256, 16];

class Vae extends Module {
  constructor(device) {
    super();
    this.encode1 = new Linear(device, PIXELS, HIDDEN);
    this.encode2 = new Linear(device, HIDDEN, 2 * LATENT);
    this.decode1 = new Linear(device, LATENT, HIDDEN);
    this.decode2 = new Linear(device, HIDDEN, PIXELS);
  }
  decode(z) {
    return this.decode2.forward(relu(this.decode1.forward(z)));
  }
  loss(x) {
    const [mean, logVariance] = split(this.encode2.forward(relu(this.encode1.forward(x))), LATENT, 1);
    const z = add(mean, mul(exp(scale(logVariance, 0.5)), randn(x.device, [BATCH, LATENT])));
    // Both terms are sums over a picture's pixels and its latent values, as in the bound.
    return add(scale(bceWithLogits(this.decode(z), x), PIXELS), normalDivergence(mean, logVariance));
  }
}

const device = await openDevice();
const net = new Vae(device);
const steps = stepsOr(3000);
const { train } = digits();
const x = Tensor.zeros(device, [BATCH, PIXELS], 'digits');
const adam = new Adam(device, net.parameters(), { lr: 1e-3 });
const step = await record(device, () => {
  const loss = net.loss(x);
  backward(loss);
  adam.step();
  return loss;
});
const draw = random(2);
for (let t = 1; t <= steps; t++) {
  x.write(batchOf(Array.from({ length: BATCH }, () => train.pictures[Math.floor(draw() * train.pictures.length)])));
  step.run();
  if (t % 250 === 0 || t === steps) console.log(`step ${t}: bound ${(await step.outputs.read())[0].toFixed(2)}`);
}
const drawn = await record(device, () => sigmoid(net.decode(randn(device, [BATCH, LATENT]))));
drawn.run();
const values = await drawn.outputs.read();
const pictures = Array.from({ length: BATCH }, (_, i) => values.slice(i * PIXELS, (i + 1) * PIXELS));
console.log(await writeSheet('vae.png', pictures, { side: 28, channels: 1 }));
device.destroy();
