/**
 * Runs the first training step of a fresh process. Prints a line of JSON: when each part was done, in milliseconds since
 * the process began. first_steps.ts starts it, with an empty or a filled shader cache.
 */

import { closeAdapter } from '../../src/drivers/index.ts';
import { openDevice } from '../../src/drivers/open_device.ts';
import { PRESETS } from '../../src/pix2pix/train/config/config.ts';
import { Pix2Pix } from '../../src/pix2pix/train/steps/pix2pix.ts';

const device = await openDevice();
const opened = performance.now();
const model = new Pix2Pix(device, PRESETS.quick);
const built = performance.now();
const { program } = await model.prepare();
const compiled = performance.now();
const random = (n: number) => Float32Array.from({ length: n }, Math.random);
model.train({ real: random(model.real.size), condition: random(model.condition.size) }, 0);
const [losses] = await model.lossesSince(0);
const stepped = performance.now();
if (!Number.isFinite(losses?.gen)) throw new Error(`the generator's loss is ${losses?.gen}`);
device.destroy();
closeAdapter();
const line = JSON.stringify({ opened, built, compiled, stepped, shaders: program.kernels.length });
process.stdout.write(`${line}\n`, () => process.exit(0));
