import { closeAdapter } from '../../src/drivers/index.ts';
import { openDevice } from '../../src/drivers/open_device.ts';
import { PixtapeError } from '../../src/engine/util/errors.ts';
import type { NamedTensor } from '../../src/engine/util/safetensors.ts';
import { readSafetensors } from '../../src/files/files.ts';
import { type ReferenceGroup, runReference } from './reference.ts';

/**
 * `npm run --silent reference -- FILE…`: prints our results for each fixture beside PyTorch's, a line for each group. Exits
 * with 0 if all groups of all files are ok, with 1 if not or if a file does not fit the format, with 2 without a file.
 * With `--ranks N` first, N ranks share the batch of each file.
 */
async function main(args: readonly string[]): Promise<number> {
  const shared = args[0] === '--ranks';
  const ranks = shared ? Number(args[1]) : undefined;
  const files = shared ? args.slice(2) : args;
  if (
    files.length === 0 ||
    files.some((file) => file.startsWith('-')) ||
    (ranks !== undefined && !(Number.isSafeInteger(ranks) && ranks > 0))
  ) {
    console.error('usage: npm run --silent reference -- [--ranks N] FILE.safetensors [FILE…]');
    return 2;
  }
  let failed = 0;
  for (const file of files) {
    try {
      for (const group of await runFile(file, ranks)) {
        if (!group.ok) failed++;
        console.log(line(group));
      }
    } catch (error) {
      failed++;
      // A PixtapeError says what to do. Anything else is our bug, so print its trace.
      const { message } = error as Error;
      console.log(`FAIL  ${message.includes(file) ? '' : `${file}: `}${message}`);
      if (!(error instanceof PixtapeError)) console.error(error);
    }
  }
  return failed > 0 ? 1 : 0;
}

/** Opens a device for each file, so that its memory is free before the next. */
async function runFile(file: string, ranks: number | undefined): Promise<ReferenceGroup[]> {
  const source = await readSafetensors(file);
  const tensors = new Map<string, NamedTensor>();
  try {
    for (const name of source.entries.keys()) tensors.set(name, await source.read(name));
  } finally {
    await source.close();
  }
  const device = await openDevice();
  try {
    console.log(`${file} (${device.description})`);
    return await runReference(device, source.metadata, tensors, file, ranks);
  } finally {
    device.destroy();
  }
}

function line({ name, maxError, relativeL2, ok, tensors, noisy, worst }: ReferenceGroup): string {
  const notes = [
    tensors > 1 ? `worst ${worst.name}, rel L2 ${worst.relativeL2.toExponential(2)}` : '',
    noisy.length > 0 ? `${noisy.length} of ${tensors} allow for float32's noise` : '',
  ].filter(Boolean);
  const figures = `max ${maxError.toExponential(2).padEnd(8)}  rel L2 ${relativeL2.toExponential(2).padEnd(8)}`;
  return `  ${name.padEnd(10)}  ${figures}  ${ok ? 'ok' : 'FAIL'}${notes.length > 0 ? `  (${notes.join('; ')})` : ''}`;
}

const status = await main(process.argv.slice(2));
closeAdapter();
// Exit explicitly, because driver threads may keep the process alive; but only after piped output has been flushed.
process.stdout.write('', () => process.stderr.write('', () => process.exit(status)));
