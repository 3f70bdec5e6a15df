// 3. WGAN-GP on emoji faces (Gulrajani et al. 2017): the critic's gradient is part of its loss, so it is differentiated twice.
import {
  Adam,
  add,
  backward,
  Conv2d,
  ConvTranspose2d,
  grad,
  Linear,
  leakyRelu,
  Module,
  mean,
  mul,
  norm,
  openDevice,
  pow,
  rand,
  randn,
  record,
  relu,
  reshape,
  scale,
  sub,
  Tensor,
  tanh,
  wassersteinLoss,
} from 'pixtape';
import { batchOf, emojiFaces, random, stepsOr, writeSheet } from './shared/data.mjs';

const [SIDE, BATCH, NOISE, CRITIC_STEPS] = [32, 16, 32, 5];

class Generator extends Module {
  constructor(device) {
    super();
    this.first = new Linear(device, NOISE, 64 * 4 * 4);
    this.ups = [64, 32, 16].map(
      (c) => new ConvTranspose2d(device, c, c === 16 ? 3 : c / 2, 4, { stride: 2, padding: 1 }),
    );
  }
  forward(z) {
    let x = reshape(relu(this.first.forward(z)), [z.shape[0], 64, 4, 4]);
    for (const [i, up] of this.ups.entries()) x = i === 2 ? tanh(up.forward(x)) : relu(up.forward(x));
    return x;
  }
}

class Critic extends Module {
  constructor(device) {
    super();
    this.convs = [3, 16, 32].map((c) => new Conv2d(device, c, c === 3 ? 16 : 2 * c, 4, { stride: 2, padding: 1 }));
    this.last = new Linear(device, 64 * 4 * 4, 1);
  }
  forward(x) {
    for (const conv of this.convs) x = leakyRelu(conv.forward(x), 0.2);
    return this.last.forward(reshape(x, [x.shape[0], 64 * 4 * 4]));
  }
}

const device = await openDevice();
const [generator, critic] = [new Generator(device), new Critic(device)];
const [optimG, optimC] = [generator, critic].map(
  (net) => new Adam(device, net.parameters(), { lr: 1e-3, betas: [0.5, 0.9] }),
);
const real = Tensor.zeros(device, [BATCH, 3, SIDE, SIDE], 'real');

const criticStep = await record(device, () => {
  const fake = generator.withFrozenWeights(() => generator.forward(randn(device, [BATCH, NOISE]))).detach();
  const between = add(fake, mul(rand(device, [BATCH, 1, 1, 1]), sub(real, fake)));
  between.requiresGrad = true;
  const [g] = grad(mean(critic.forward(between)), [between], { createGraph: true });
  const length = norm(reshape(scale(g, BATCH), [BATCH, 3 * SIDE * SIDE]), 2, [1]);
  const penalty = mean(pow(sub(length, 1), 2));
  const distance = add(wassersteinLoss(critic.forward(real), 'real'), wassersteinLoss(critic.forward(fake), 'fake'));
  backward(add(distance, scale(penalty, 10)));
  optimC.step();
  return { distance, penalty };
});
const generatorStep = await record(device, () => {
  const fake = generator.forward(randn(device, [BATCH, NOISE]));
  backward(critic.withFrozenWeights(() => wassersteinLoss(critic.forward(fake), 'real')));
  optimG.step();
});

const faces = await emojiFaces(SIDE);
const draw = random(3);
const steps = stepsOr(1500);
for (let t = 1; t <= steps; t++) {
  for (let i = 0; i < CRITIC_STEPS; i++) {
    real.write(batchOf(Array.from({ length: BATCH }, () => faces[Math.floor(draw() * faces.length)].colour)));
    criticStep.run();
  }
  generatorStep.run();
  if (t % 100 && t < steps) continue;
  const [distance, penalty] = await Promise.all(
    Object.values(criticStep.outputs).map(async (v) => (await v.read())[0].toFixed(3)),
  );
  console.log(`step ${t}: distance ${distance}, penalty ${penalty}`);
}
const drawn = await record(device, () => generator.eval().forward(randn(device, [64, NOISE])));
drawn.run();
const values = await drawn.outputs.read();
const pictures = Array.from({ length: 64 }, (_, i) => values.slice(i * 3 * SIDE ** 2, (i + 1) * 3 * SIDE ** 2));
console.log(await writeSheet('wgan_gp.png', pictures, { side: SIDE, low: -1 }));
device.destroy();
