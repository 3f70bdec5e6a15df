import { BufferUsage, MAP_MODE_READ } from '../constants.ts';
import type { Device } from '../device.ts';
import type { Storage } from '../storage.ts';

const { MAP_READ, COPY_DST } = BufferUsage;

/** Copies the floats of several storages, one after the other, to the host and back, through its own buffer. */
export class Staging {
  readonly floats: number;
  /** Seconds that this thread has spent on copying so far. */
  seconds = 0;
  private readonly device: Device;
  private readonly storages: readonly Storage[];
  private readonly buffer: GPUBuffer;

  constructor(device: Device, storages: readonly Storage[]) {
    this.device = device;
    this.storages = storages;
    this.floats = storages.reduce((sum, { bytes }) => sum + bytes / 4, 0);
    const size = Math.max(4, this.floats * 4);
    this.buffer = device.gpu.createBuffer({ label: 'staging', size, usage: MAP_READ | COPY_DST });
  }

  /**
   * Reads the values after everything submitted so far. Later submits run meanwhile.
   * @param into receives them; by default a new array
   */
  async read(into: Float32Array = new Float32Array(this.floats)): Promise<Float32Array> {
    const { device, buffer } = this;
    const encoder = device.gpu.createCommandEncoder();
    let at = 0;
    for (const storage of this.storages) {
      encoder.copyBufferToBuffer(bufferOf(storage), storage.offset, buffer, at, storage.bytes);
      at += storage.bytes;
    }
    device.gpu.queue.submit([encoder.finish()]);
    await device.orLost(buffer.mapAsync(MAP_MODE_READ));
    const start = performance.now();
    into.set(new Float32Array(buffer.getMappedRange()));
    this.seconds += (performance.now() - start) / 1000;
    buffer.unmap();
    device.throwIfBroken();
    return into;
  }

  /** Writes values back to where `read` found them, in order with other submits. */
  write(values: Float32Array): void {
    const start = performance.now();
    let at = 0;
    for (const storage of this.storages) {
      const floats = storage.bytes / 4;
      const part = values.subarray(at, at + floats) as Float32Array<ArrayBuffer>;
      this.device.gpu.queue.writeBuffer(bufferOf(storage), storage.offset, part);
      at += floats;
    }
    this.seconds += (performance.now() - start) / 1000;
  }

  destroy(): void {
    this.buffer.destroy();
  }
}

function bufferOf({ buffer, label }: Storage): GPUBuffer {
  if (!buffer) throw new Error(`${label} has no memory yet`);
  return buffer;
}
