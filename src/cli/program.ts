import { version } from '../../package.json';
import { exportCommand } from './checkpoint/export.ts';
import { importCommand } from './checkpoint/import.ts';
import { compareCommand } from './compare.ts';
import { dataCommand } from './data/command.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { evalClassesCommand } from './eval/classes.ts';
import { evalCommand } from './eval/command.ts';
import { Command, type CommandUnknownOpts } from './flags/commander.ts';
import { ganCommand } from './gan/command.ts';
import { sampleCommand } from './gan/sample.ts';
import { profileCommand } from './profile/command.ts';
import { runsCommand } from './runs.ts';
import { trainCommand } from './train/command.ts';
import { translateCommand } from './translate/command.ts';
import { tuneCommand } from './tune/command.ts';

/** `pixtape` with all its commands. */
export function createProgram(): CommandUnknownOpts {
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
  return program;
}

/** After a wrong flag or argument, points to the list of valid ones. */
function giveUsageHints(command: CommandUnknownOpts, above: string): void {
  const name = `${above}${command.name()}`;
  command.showHelpAfterError(`(${name} --help shows what there is)`);
  for (const sub of command.commands) giveUsageHints(sub, `${name} `);
}
