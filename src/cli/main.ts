import { closeAdapter } from '../drivers/index.ts';
import { PixtapeError } from '../engine/util/errors.ts';
import { explainSystemError } from '../files/disk_error.ts';
import { readArguments } from './flags/read_arguments.ts';
import { createProgram } from './program.ts';
import { heedNohup } from './run/interrupt.ts';
import { errorText } from './shared/advice.ts';
import { heedEncoding } from './shared/encoding.ts';
import { lostOutput, surviveLostOutput } from './shared/streams.ts';

const program = createProgram();

/** Commands whose result is their output, not a file. */
const PRINTERS = new Set(['doctor', 'runs', 'compare', 'eval', 'eval-classes', 'tune', 'profile']);

heedNohup();
heedEncoding();
surviveLostOutput();

try {
  await program.parseAsync(readArguments(program, process.argv.slice(2)), { from: 'user' });
} catch (thrown) {
  const error = await explainSystemError(thrown);
  if (error instanceof PixtapeError) console.error(`\npixtape: ${errorText(error)}`);
  else console.error(error);
  process.exitCode = 1;
} finally {
  closeAdapter();
}
// Exit explicitly, because driver threads may keep the process alive; but only after piped output has been flushed.
process.stdout.write('', () => setImmediate(end));

function end(): void {
  const lost = lostOutput();
  if (lost) {
    console.error(`warning: ${lost} could not be written: a part of what was to be read there is missing`);
    if (PRINTERS.has(process.argv[2] ?? '')) process.exitCode = 1;
  }
  process.stderr.write('', () => process.exit());
}
