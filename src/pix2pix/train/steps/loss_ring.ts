import source from '../../../../shaders/train/ring_store.wgsl';
import type { Device } from '../../../engine/gpu/device.ts';
import { dispatch } from '../../../engine/tape/dispatch.ts';
import { Tensor } from '../../../engine/tape/tensor.ts';

/** Steps that fit before old ones are overwritten. */
export const RING_LENGTH = 256;

/** The losses of one step, counted from 0. */
export type LossRow<Loss extends string> = { step: number } & Record<Loss, number>;

/** The number of bindings in the shader. */
const MOST_COLUMNS = 5;

/** Keeps the last few steps' losses on the GPU until they are read. */
export class LossRing<Loss extends string> {
  private readonly ring: Tensor;
  private readonly step: Tensor;
  private readonly columns: readonly Loss[];

  constructor(device: Device, columns: readonly Loss[]) {
    if (columns.length > MOST_COLUMNS) throw new Error(`a loss ring has ${MOST_COLUMNS} columns at most`);
    this.columns = columns;
    this.ring = Tensor.zeros(device, [RING_LENGTH, columns.length], 'loss ring');
    this.step = Tensor.zeros(device, [1], 'loss ring step');
  }

  /** To be recorded: stores the step's losses, one-element tensors. Those left out stay 0. */
  store(losses: Readonly<Partial<Record<Loss, Tensor>>>): void {
    const { ring, step, columns } = this;
    const given = Array.from({ length: MOST_COLUMNS }, (_, i) => losses[columns[i] as Loss]);
    const stored = given.reduce((bits, value, i) => (value ? bits | (1 << i) : bits), 0);
    // The shader binds all values, but reads none of a column that is not stored.
    const values = Object.fromEntries(given.map((value, i) => [`value_${i}`, value ?? step]));
    const params = { length: RING_LENGTH, width: columns.length, stored };
    dispatch(ring.device.kernel('ring_store', source), { step, ...values, ring }, params, [1]);
  }

  /** Sets the number of the next step. */
  setStep(step: number): void {
    this.step.device.write(this.step.storage, Uint32Array.of(step));
  }

  /** The losses of steps [from, to), at most the last RING_LENGTH of them. Waits for the GPU. */
  async read(from: number, to: number): Promise<LossRow<Loss>[]> {
    const values = await this.ring.read();
    const rows: LossRow<Loss>[] = [];
    for (let step = Math.max(from, to - RING_LENGTH); step < to; step++) {
      const at = (step % RING_LENGTH) * this.columns.length;
      const losses = this.columns.map((name, i) => [name, values[at + i] as number] as const);
      rows.push({ step, ...(Object.fromEntries(losses) as Record<Loss, number>) });
    }
    return rows;
  }
}
