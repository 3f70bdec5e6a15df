import type { Device } from '../../../engine/gpu/device.ts';
import { noGrad } from '../../../engine/tape/autograd.ts';
import { type Recorded, record } from '../../../engine/tape/record.ts';
import { Tensor } from '../../../engine/tape/tensor.ts';
import type { DcganGenerator } from '../../models/dcgan.ts';
import { oneHot } from '../config/one_hot.ts';
import { fromNetwork } from '../config/value_range.ts';

/** Batch size. */
const AT_A_TIME = 16;

/** A picture to make: noise of the generator's length, and with classes the requested one. */
export interface SampleRequest {
  noise: Float32Array;
  label: number;
}

/**
 * Makes pictures with a generator in evaluation mode: batch norm uses the running statistics from training. A picture
 * then depends only on its own noise and class, not on the rest of the batch, and grids drawn during training show the
 * same pixels as a checkpoint of that step later. (With the batch's statistics, as in DCGAN's code, neither would
 * hold.)
 */
export class GanSampler {
  private readonly device: Device;
  private readonly generator: DcganGenerator;
  private program: { noise: Tensor; labels: Tensor | undefined; recorded: Recorded<Tensor> } | undefined;

  constructor(device: Device, generator: DcganGenerator) {
    this.device = device;
    this.generator = generator;
  }

  /** The pictures, in order: CHW, 3 channels, values in [0, 1]. Waits for the GPU. */
  async draw(requests: readonly SampleRequest[], stop: () => boolean = () => false): Promise<Float32Array[]> {
    const { noise, labels, recorded } = await this.prepare();
    const { nz, classes } = this.generator.config;
    const pictures: Float32Array[] = [];
    for (let first = 0; first < requests.length && !stop(); first += AT_A_TIME) {
      const part = requests.slice(first, first + AT_A_TIME);
      // The recorded program has a fixed batch size: a short last batch is filled with zeros, whose pictures are
      // dropped.
      const values = new Float32Array(AT_A_TIME * nz);
      part.forEach((request, i) => {
        values.set(request.noise, i * nz);
      });
      noise.write(values);
      labels?.write(
        oneHot(
          Array.from({ length: AT_A_TIME }, (_, i) => part[i]?.label ?? 0),
          classes,
        ),
      );
      recorded.run();
      const made = await recorded.outputs.read();
      const size = made.length / AT_A_TIME;
      part.forEach((_, i) => {
        pictures.push(fromNetwork(made.subarray(i * size, (i + 1) * size), 'symmetric'));
      });
    }
    return pictures;
  }

  /** Records the program before its first use. */
  async prepare() {
    const { device, generator } = this;
    if (!this.program) {
      const { nz, classes } = generator.config;
      const noise = Tensor.zeros(device, [AT_A_TIME, nz, 1, 1], 'noise');
      const labels = classes > 0 ? Tensor.zeros(device, [AT_A_TIME, classes, 1, 1], 'labels') : undefined;
      const forward = () => {
        const before = generator.training;
        generator.eval();
        try {
          return noGrad(() => generator.forward(noise, labels));
        } finally {
          generator.train(before);
        }
      };
      this.program = { noise, labels, recorded: await record(device, forward) };
    }
    return this.program;
  }
}
