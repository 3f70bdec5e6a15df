import { givenFlags } from '../flags/flags.ts';
import { ganFlags } from './flags.ts';
import { startGan } from './start.ts';

const EXAMPLES = `
Examples:
  pixtape gan --data smileys --preset quick --minutes 12        smile, laugh, sad and angry, no data of your own
  pixtape gan photos                                            a DCGAN on a folder of pictures
  pixtape gan flowers --classes --size 32 --preset quick        each folder in flowers is a class
  pixtape gan photos --classes labels.csv                       lines of file,class
  pixtape gan --data openmoji --groups animals-nature --preset quick
  pixtape gan --continue_train --name smileys-quick --steps 9000
Then: pixtape sample RUN OUT.png, and with classes pixtape eval-classes RUN.

A run leaves in DIR/NAME: latest.safetensors, log.jsonl, samples/ and report.html. Ctrl-C finishes the step and saves.`;

export function ganCommand() {
  return ganFlags()
    .addHelpText('after', EXAMPLES)
    .action((dir, flags, command) => startGan(dir, flags, givenFlags(command, flags)));
}
