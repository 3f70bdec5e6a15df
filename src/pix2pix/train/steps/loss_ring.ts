import source from '../../../../shaders/optim/ring_store.wgsl';
import type { Device } from '../../../engine/gpu/device.ts';
import { dispatch } from '../../../engine/tape/dispatch.ts';
import { Tensor } from '../../../engine/tape/tensor.ts';

/** Steps that fit before old ones are overwritten. */
export const RING_LENGTH = 256;

/** The last few steps' losses, kept on the GPU until somebody asks. */
export class LossRing {
  private readonly ring: Tensor;
  private readonly step: Tensor;
  private readonly columns: readonly string[];

  constructor(device: Device, columns: readonly string[]) {
    this.columns = columns;
    this.ring = Tensor.zeros(device, [RING_LENGTH, columns.length], 'loss ring');
    this.step = Tensor.zeros(device, [1], 'loss ring step');
  }

  /** To be recorded: files the value of a one-element tensor under the column's name. */
  store(column: string, value: Tensor): void {
    const { ring, step, columns } = this;
    const params = { length: RING_LENGTH, width: columns.length, column: columns.indexOf(column) };
    dispatch(ring.device.kernel('ring_store', source), { step, value, ring }, params, [1]);
  }

  /** Says which step the next run is. */
  setStep(step: number): void {
    this.step.device.write(this.step.storage, Uint32Array.of(step));
  }

  /** The losses of steps [from, to), at most the last RING_LENGTH of them. Waits for the GPU. */
  async read(from: number, to: number): Promise<{ step: number; losses: Record<string, number> }[]> {
    const values = await this.ring.read();
    const rows = [];
    for (let step = Math.max(from, to - RING_LENGTH); step < to; step++) {
      const at = (step % RING_LENGTH) * this.columns.length;
      rows.push({ step, losses: Object.fromEntries(this.columns.map((c, j) => [c, values[at + j] as number])) });
    }
    return rows;
  }
}
