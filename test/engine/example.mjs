// The README's example: a small network of one's own, trained in Node. It learns to draw the vertical edges of a picture.
import { Adam, backward, Conv2d, Module, mseLoss, openDevice, record, relu, Tensor } from 'pixtape';

class EdgeNet extends Module {
  constructor(device) {
    super();
    this.conv1 = new Conv2d(device, 1, 8, 3, { padding: 1 });
    this.conv2 = new Conv2d(device, 8, 1, 3, { padding: 1 });
  }
  forward(x) {
    return this.conv2.forward(relu(this.conv1.forward(x)));
  }
}

const device = await openDevice();
const picture = Float32Array.from({ length: 64 * 64 }, (_, i) => ((i % 64) ^ (i >> 6)) / 64);
const edges = picture.map((value, i) => (i % 64 === 0 ? 0 : Math.abs(value - picture[i - 1])));
const x = Tensor.from(device, [1, 1, 64, 64], picture);
const y = Tensor.from(device, [1, 1, 64, 64], edges);

const net = new EdgeNet(device);
const adam = new Adam(device, net.parameters(), { lr: 0.01 });
const step = await record(device, () => {
  const loss = mseLoss(net.forward(x), y);
  backward(loss);
  adam.step();
  return loss;
});
for (let t = 1; t <= 400; t++) {
  step.run();
  if (t % 100 === 0 || t === 1) console.log(`step ${t}: loss ${(await step.outputs.read())[0]}`);
}
device.destroy();
