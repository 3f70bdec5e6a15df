import { version } from '../../package.json';
import { closeAdapter } from '../drivers/index.ts';
import { PixtapeError } from '../engine/util/errors.ts';
import { explainSystemError } from '../files/disk_error.ts';
import { exportCommand } from './checkpoint/export.ts';
import { importCommand } from './checkpoint/import.ts';
import { compareCommand } from './compare.ts';
import { dataCommand } from './data/command.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { evalClassesCommand } from './eval/classes.ts';
import { evalCommand } from './eval/command.ts';
import { ganCommand } from './gan/command.ts';
import { sampleCommand } from './gan/sample.ts';
import { profileCommand } from './profile/command.ts';
import { heedNohup } from './run/interrupt.ts';
import { runsCommand } from './run/list.ts';
import { flagAdvice } from './shared/advice.ts';
import { normaliseFlags, refuseForeignFlags } from './shared/arguments.ts';
import { Command, type CommandUnknownOpts } from './shared/commander.ts';
import { heedEncoding } from './shared/encoding.ts';
import { lostOutput, surviveLostOutput } from './shared/streams.ts';
import { trainCommand } from './train/command.ts';
import { translateCommand } from './translate/command.ts';
import { tuneCommand } from './tune/command.ts';

const program = new Command('pixtape')
  .description('Train and use Pix2Pix on any GPU, or on none, through WebGPU.')
  .version(version)
  .addCommand(trainCommand())
  .addCommand(translateCommand())
  .addCommand(ganCommand())
  .addCommand(sampleCommand())
  .addCommand(runsCommand())
  .addCommand(compareCommand())
  .addCommand(evalClassesCommand())
  .addCommand(evalCommand())
  .addCommand(exportCommand())
  .addCommand(importCommand())
  .addCommand(dataCommand())
  .addCommand(tuneCommand())
  .addCommand(profileCommand())
  .addCommand(demoCommand())
  .addCommand(doctorCommand())
  .addHelpText(
    'after',
    `
Examples:
  pixtape train --data openmoji --preset quick --minutes 5
  pixtape translate openmoji-quick drawing.png painted.png
  pixtape COMMAND --help shows every flag of a command.`,
  );
giveUsageHints(program, '');

/** Commands whose result is their output, not a file. */
const PRINTERS = new Set(['doctor', 'runs', 'compare', 'eval', 'eval-classes', 'tune', 'profile']);

/** After a wrong flag or argument, points to the list of valid ones. */
function giveUsageHints(command: CommandUnknownOpts, above: string): void {
  const name = `${above}${command.name()}`;
  command.showHelpAfterError(`(${name} --help shows what there is)`);
  for (const sub of command.commands) giveUsageHints(sub, `${name} `);
}

heedNohup();
heedEncoding();
surviveLostOutput();

try {
  const argv = normaliseFlags(process.argv.slice(2));
  refuseForeignFlags(argv);
  await program.parseAsync(argv, { from: 'user' });
} catch (thrown) {
  const error = await explainSystemError(thrown);
  if (error instanceof PixtapeError) {
    const advice = flagAdvice(error, process.argv[2]);
    console.error(`\npixtape: ${error.message}${advice ? `\n  → ${advice}` : ''}`);
  } else console.error(error);
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
