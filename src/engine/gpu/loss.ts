import { PixtapeError } from '../util/errors.ts';

/** Names of the errors with which WebGPU rejects promises when a device is lost, sometimes before `lost` resolves. */
const LOSS_NAMES = new Set(['AbortError', 'OperationError', 'InvalidStateError', 'GPUPipelineError']);
/** How long to wait for `lost` to explain such a rejection. */
const EXPLAIN_MS = 1000;

/**
 * Notices the loss of a device and ends every wait for it. Some promises of a lost device are rejected with a bare
 * AbortError, others resolve as if nothing had happened, and a few never settle.
 */
export class LossWatch {
  /** Set once the device is gone. */
  error: PixtapeError | undefined;
  /** A plain set: racing each wait against one promise that never settles would keep every wait in memory. */
  private readonly waiting = new Set<(error: PixtapeError) => void>();

  constructor(lost: Promise<GPUDeviceLostInfo>) {
    void lost.then(({ message, reason }) => {
      this.fail(
        new PixtapeError(
          `the GPU device was lost: ${message || reason || 'its driver gives no reason'}`,
          'Open a new device and go on from the last saved state.',
          { code: 'device-lost', details: { reason } },
        ),
      );
    });
  }

  /** Call it before the device is destroyed on purpose. Reports that at once, which `lost` only does later. */
  expect(): void {
    this.fail(new PixtapeError('this device was destroyed', 'Open another one with Device.open.', { code: 'misuse' }));
  }

  private fail(error: PixtapeError): void {
    this.error ??= error;
    for (const reject of this.waiting) reject(this.error);
    this.waiting.clear();
  }

  /** Waits for `work`. @throws PixtapeError as soon as the device is lost, even if `work` never ends */
  async guard<T>(work: Promise<T>): Promise<T> {
    let leave: (() => void) | undefined;
    const lost = new Promise<never>((_, reject) => {
      if (this.error) return reject(this.error);
      this.waiting.add(reject);
      leave = () => this.waiting.delete(reject);
    });
    try {
      const value = await Promise.race([work, lost]);
      if (this.error) throw this.error;
      return value;
    } catch (error) {
      if (error !== this.error && error instanceof Error && LOSS_NAMES.has(error.name)) {
        await Promise.race([lost, new Promise((resolve) => setTimeout(resolve, EXPLAIN_MS))]);
      }
      throw error;
    } finally {
      leave?.();
    }
  }
}
