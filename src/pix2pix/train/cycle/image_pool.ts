import source from '../../../../shaders/train/image_pool.wgsl';
import type { Device } from '../../../engine/gpu/device.ts';
import { dispatchElements } from '../../../engine/tape/dispatch.ts';
import { sizeOf, Tensor } from '../../../engine/tape/tensor.ts';
import { RandomStream } from '../../../engine/util/random.ts';

/** Random stream of a pool's draws; see data/sets/batches.ts for the others. */
const POOL = 202;

const FILL = 0;
const SHOW = 1;
const SWAP = 2;

/**
 * A pool of generated pictures. Once it is full, a discriminator is shown an older picture instead of the newest with
 * probability one half. The draws are a function of (seed, step), so that a run continues bit for bit.
 */
export class ImagePool {
  /** (slots, C, H, W): part of the checkpoint. Undefined for a pool of size 0, which always shows the newest. */
  readonly pictures: Tensor | undefined;
  private readonly plan: Tensor;
  private readonly size: number;
  private readonly seed: number;
  private readonly number: number;

  /** @param shape of a batch, @param number distinguishes the pools of a run */
  constructor(
    device: Device,
    shape: readonly number[],
    { size, seed, number }: { size: number; seed: number; number: number },
  ) {
    const [batch = 1, ...picture] = shape;
    this.size = size;
    this.seed = seed;
    this.number = number;
    this.plan = Tensor.zeros(device, [batch, 2], 'pool plan', 'u32');
    if (size > 0) this.pictures = Tensor.zeros(device, [size, ...picture], `pool ${number}`);
  }

  /** To be recorded: the pictures to show the discriminator for a batch of new ones. No gradient flows through it. */
  show(x: Tensor): Tensor {
    const { pictures, plan } = this;
    if (!pictures) return x.detach();
    const y = x.like('pooled');
    const [batch = 1, ...picture] = x.shape;
    const params = { n: sizeOf(picture), batch };
    dispatchElements(x.device.kernel('image_pool', source), { plan, x, pool: pictures, y }, params);
    return y;
  }

  /** Sets the number of the next step, counted from 0. */
  setStep(step: number): void {
    if (!this.pictures) return;
    const [batch = 1] = this.plan.shape;
    const random = new RandomStream(this.seed, POOL, this.number, step);
    const actions = Array.from({ length: batch }, (_, n) => {
      const before = step * batch + n;
      if (before < this.size) return [FILL, before];
      const swap = random.uniform() < 0.5;
      return swap ? [SWAP, random.below(this.size)] : [SHOW, 0];
    });
    this.plan.write(Uint32Array.from(actions.flat()));
  }
}
