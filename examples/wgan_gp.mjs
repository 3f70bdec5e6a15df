// 3. WGAN-GP on emoji faces (Gulrajani et al. 2017): the critic's gradient is part of its loss, so it is differentiated twice.
import * as pt from 'pixtape';
import { batchOf, emojiFaces, random, stepsOr, writeSheet } from './shared/data.mjs';

const [SIDE, BATCH, NOISE, CRITIC_STEPS] = [32, 16, 32, 5];

class Generator extends pt.Module {
  constructor(device) {
    super();
    this.first = new pt.Linear(device, NOISE, 64 * 4 * 4);
    this.ups = [64, 32, 16].map(
      (c) => new pt.ConvTranspose2d(device, c, c === 16 ? 3 : c / 2, 4, { stride: 2, padding: 1 }),
    );
  }
  forward(z) {
    let x = pt.reshape(pt.relu(this.first.forward(z)), [z.shape[0], 64, 4, 4]);
    for (const [i, up] of this.ups.entries()) x = i === 2 ? pt.tanh(up.forward(x)) : pt.relu(up.forward(x));
    return x;
  }
}

class Critic extends pt.Module {
  constructor(device) {
    super();
    this.convs = [3, 16, 32].map((c) => new pt.Conv2d(device, c, c === 3 ? 16 : 2 * c, 4, { stride: 2, padding: 1 }));
    this.last = new pt.Linear(device, 64 * 4 * 4, 1);
  }
  forward(x) {
    for (const conv of this.convs) x = pt.leakyRelu(conv.forward(x), 0.2);
    return this.last.forward(pt.reshape(x, [x.shape[0], 64 * 4 * 4]));
  }
}

const device = await pt.openDevice();
const [generator, critic] = [new Generator(device), new Critic(device)];
const [optimG, optimC] = [generator, critic].map(
  (net) => new pt.Adam(device, net.parameters(), { lr: 1e-3, betas: [0.5, 0.9] }),
);
const real = pt.Tensor.zeros(device, [BATCH, 3, SIDE, SIDE], 'real');

const criticStep = await pt.record(device, () => {
  const fake = generator.withFrozenWeights(() => generator.forward(pt.randn(device, [BATCH, NOISE]))).detach();
  const between = pt.add(fake, pt.mul(pt.rand(device, [BATCH, 1, 1, 1]), pt.sub(real, fake)));
  between.requiresGrad = true;
  const [g] = pt.grad(pt.mean(critic.forward(between)), [between], { createGraph: true });
  const length = pt.norm(pt.reshape(pt.scale(g, BATCH), [BATCH, 3 * SIDE * SIDE]), 2, [1]);
  const penalty = pt.mean(pt.pow(pt.sub(length, 1), 2));
  const distance = pt.add(
    pt.wassersteinLoss(critic.forward(real), 'real'),
    pt.wassersteinLoss(critic.forward(fake), 'fake'),
  );
  pt.backward(pt.add(distance, pt.scale(penalty, 10)));
  optimC.step();
  return { distance, penalty };
});
const generatorStep = await pt.record(device, () => {
  const fake = generator.forward(pt.randn(device, [BATCH, NOISE]));
  pt.backward(critic.withFrozenWeights(() => pt.wassersteinLoss(critic.forward(fake), 'real')));
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
const values = await pt.run(device, () => generator.eval().forward(pt.randn(device, [64, NOISE])));
const pictures = Array.from({ length: 64 }, (_, i) => values.slice(i * 3 * SIDE ** 2, (i + 1) * 3 * SIDE ** 2));
console.log(await writeSheet('wgan_gp.png', pictures, { side: SIDE, low: -1 }));
device.destroy();
