import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { closeAdapter } from '../../../src/drivers/index.ts';
import { openDevice } from '../../../src/drivers/open_device.ts';
import { encodeSafetensors } from '../../../src/engine/util/safetensors.ts';
import { writeSafetensorsAtomic } from '../../../src/files/files.ts';
import { removeFile } from '../../../src/files/folder.ts';
import { allTensors, reading } from '../../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { encodeHeader } from '../../../src/pix2pix/train/checkpoint/state.ts';
import { writeProblem } from './problem.ts';

/** What PyTorch leaves in the folder of a run beside the checkpoint: its networks and its losses. */
export const TRAINED = 'trained.safetensors';

const script = (root: string) => join(root, 'tools', 'pytorch', 'python', 'torch_train.py');

/** PyTorch's version, or why there is none. The script looks for a python3 of the PATH that has it. */
export function findPyTorch(root: string): { version: string } | { missing: string } {
  const { status, stdout, stderr, error } = spawnSync('python3', [script(root), '--version'], { encoding: 'utf8' });
  if (status === 0) return { version: stdout.trim() };
  return { missing: error ? 'there is no python3 on the PATH' : (stderr.trim().split('\n').at(-1) ?? '') };
}

/**
 * Trains in PyTorch what `pixtape train` with these flags would train, from the same weights and with the same batches,
 * and leaves a checkpoint in `folder` that `pixtape eval` takes.
 * @returns wall time of PyTorch's steps with its start, in seconds
 * @throws Error if PyTorch's side ends with an error, or lacks something of the configuration
 */
export async function trainInPyTorch(root: string, words: readonly string[], folder: string): Promise<number> {
  const [problem, trained] = ['problem.safetensors', TRAINED].map((name) => join(folder, name)) as [string, string];
  const device = await openDevice();
  const header = await writeProblem(device, words, problem).finally(() => {
    device.destroy();
    closeAdapter();
  });
  const began = performance.now();
  await python([script(root), problem, trained]);
  const seconds = (performance.now() - began) / 1000;
  await removeFile(problem);
  const tensors = await reading(trained, allTensors);
  const networks = new Map([...tensors].filter(([name]) => /^(gen|disc)\./.test(name)));
  await writeSafetensorsAtomic(join(folder, 'latest.safetensors'), encodeSafetensors(networks, encodeHeader(header)));
  return seconds;
}

function python(args: readonly string[]): Promise<void> {
  const child = spawn('python3', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => {
      if (code === 0) done();
      else fail(new Error(`python3 ${args.join(' ')} ended with ${code}`));
    });
  });
}
