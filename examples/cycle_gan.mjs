// 5. CycleGAN (Zhu et al. 2017): turns line drawings into coloured faces and back, without pairs. The networks are the
// library's; the training step is written out here. `npx pixtape train --model cycle_gan` is the full version.
import {
  Adam,
  add,
  backward,
  l1Loss,
  mseLoss,
  NLayerDiscriminator,
  openDevice,
  ResnetGenerator,
  Rng,
  record,
  scale,
  Tensor,
} from 'pixtape';
import { emojiFaces, random, stepsOr, writeSheet } from './shared/data.mjs';

const [SIDE, LAMBDA] = [64, 10];
const device = await openDevice();
const rng = new Rng(device, 0);
const sizes = { inChannels: 3, outChannels: 3, hidden: 8, depth: 3, dropout: 0, norm: 'instance' };
const [toColour, toLines] = [0, 1].map(() => new ResnetGenerator(device, sizes, rng));
const [judgeColour, judgeLines] = [0, 1].map(
  () => new NLayerDiscriminator(device, { inChannels: 3, hidden: 8, norm: 'instance' }),
);
const optimizer = (nets, lr) =>
  new Adam(
    device,
    nets.flatMap((net) => net.parameters()),
    { lr, betas: [0.5, 0.999] },
  );
const [optimG, optimD] = [optimizer([toColour, toLines], 1e-3), optimizer([judgeColour, judgeLines], 5e-4)];
const [lines, colour] = ['lines', 'colour'].map((name) => Tensor.zeros(device, [1, 3, SIDE, SIDE], name));

const step = await record(device, () => {
  const [painted, drawn] = [toColour.forward(lines), toLines.forward(colour)];
  const there = l1Loss(toLines.forward(painted), lines);
  const back = l1Loss(toColour.forward(drawn), colour);
  const fooled = judgeColour.withFrozenWeights(() =>
    judgeLines.withFrozenWeights(() =>
      add(mseLoss(judgeColour.forward(painted), 1), mseLoss(judgeLines.forward(drawn), 1)),
    ),
  );
  const cycle = scale(add(there, back), LAMBDA);
  backward(add(fooled, cycle));
  optimG.step();

  const judged = (judge, real, fake) => add(mseLoss(judge.forward(real), 1), mseLoss(judge.forward(fake.detach()), 0));
  backward(scale(add(judged(judgeColour, colour, painted), judged(judgeLines, lines, drawn)), 0.5));
  optimD.step();
  return { cycle, fooled, painted, drawn };
});

const faces = await emojiFaces(SIDE);
const draw = random(5);
const any = () => faces[Math.floor(draw() * faces.length)];
const steps = stepsOr(1200);
for (let t = 1; t <= steps; t++) {
  lines.write(any().lines);
  colour.write(any().colour);
  step.run();
  if (t % 100 && t < steps) continue;
  const [cycle, fooled] = await Promise.all(
    [step.outputs.cycle, step.outputs.fooled].map(async (v) => (await v.read())[0].toFixed(3)),
  );
  console.log(`step ${t}: cycle ${cycle}, adversarial ${fooled}`);
}
const shown = await record(device, () => [toColour.eval().forward(lines), toLines.eval().forward(colour)]);
const pictures = [];
for (const face of faces.slice(0, 8)) {
  lines.write(face.lines);
  colour.write(face.colour);
  shown.run();
  const [painted, drawn] = await Promise.all(shown.outputs.map((v) => v.read()));
  pictures.push(face.lines, painted, face.colour, drawn);
}
console.log(await writeSheet('cycle_gan.png', pictures, { side: SIDE, low: -1 }));
device.destroy();
