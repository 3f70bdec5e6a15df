import type { Device } from '../gpu/device.ts';
import { Program } from '../gpu/program.ts';
import type { Precision } from '../gpu/storage.ts';
import { PixtapeError } from '../util/errors.ts';

let current: Program | undefined;

/** The program that is being recorded; undefined outside `record`. */
export function programBeingRecorded(): Program | undefined {
  return current;
}

/**
 * The program that is being recorded on `device`.
 * @throws PixtapeError outside `record`, inside one on another device, or if the device is gone
 */
export function currentProgram(device: Device): Program {
  if (!current) {
    throw new PixtapeError(
      'an operation was called outside record()',
      'Call operations inside record(device, () => …), or inside run(device, () => …), which runs them once.',
      { code: 'misuse' },
    );
  }
  if (current.device !== device) {
    throw new PixtapeError(
      'a tensor of one device was used while recording on another',
      'Make all tensors and modules of a program on the device that record() was given.',
      { code: 'misuse' },
    );
  }
  device.throwIfBroken();
  return current;
}

/**
 * Records what `body` does in a new program.
 * @throws PixtapeError if another program is being recorded, or the device is gone
 */
export function recordProgram<T>(device: Device, precision: Precision, body: () => T): { program: Program; result: T } {
  if (current) {
    throw new PixtapeError('record() was called inside record()', 'Call the inner function directly instead.', {
      code: 'misuse',
    });
  }
  device.throwIfBroken();
  const program = new Program(device, precision);
  current = program;
  try {
    return { program, result: body() };
  } finally {
    current = undefined;
  }
}
