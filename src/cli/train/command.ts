import { givenFlags } from '../flags/flags.ts';
import { trainFlags } from './flags.ts';
import { startTraining } from './start.ts';

const EXAMPLES = `
Examples:
  pixtape train --data openmoji --preset quick --minutes 5      emoji from line drawings, no data of your own
  pixtape train --dataroot facades                              the tutorial's model on its facades, side by side
  pixtape train --dataroot facades --preset quick --crop_size 128 --minutes 60
  pixtape train --dataroot facades --preset paper               the paper's U-Net, PatchGAN and constants
  pixtape train --dataroot facades --preset paper --netG unet_128 --crop_size 128 --ngf 32
  pixtape train --dataroot my_pairs --direction AtoB --name mine --batch_size 1
  pixtape train --continue_train --name mine --n_epochs 200     go on where that run stopped
  pixtape train --continue_train --name mine --epoch 50         go back to what --save_epoch_freq kept

A run leaves in DIR/NAME: latest.safetensors, log.jsonl, samples/ and report.html. Ctrl-C finishes the step and saves.
Flags may be written with - or _: --batch-size is --batch_size.`;

export function trainCommand() {
  return trainFlags()
    .addHelpText('after', EXAMPLES)
    .action((flags, command) => startTraining(flags, givenFlags(command, flags)));
}
