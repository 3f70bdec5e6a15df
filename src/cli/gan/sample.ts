import { extname, join } from 'node:path';
import { openDevice } from '../../drivers/open_device.ts';
import { PixtapeError } from '../../engine/util/errors.ts';
import { writeFileAtomic } from '../../files/files.ts';
import { checkWritable, writePictureAs } from '../../pix2pix/data/image/encode.ts';
import { OPENMOJI_CREDITS } from '../../pix2pix/data/sources/emoji/emoji.ts';
import { loadGanGenerator, readGanHeader } from '../../pix2pix/train/checkpoint/gan_checkpoint.ts';
import { drawSheet, planSamples, type SampleOptions } from '../../pix2pix/train/sheets/gan_samples.ts';
import { pictureSheet } from '../../pix2pix/train/sheets/sheet.ts';
import { GanSampler } from '../../pix2pix/train/steps/gan_sampler.ts';
import { findCheckpoint } from '../checkpoint/find.ts';
import { wholeNumber } from '../flags/arguments.ts';
import { Command } from '../flags/commander.ts';
import { adapterOption, CHECKPOINT_HELP, type FlagsOf, runsOption } from '../flags/flags.ts';
import { namesFolder } from '../translate/files.ts';
import type { GanRecord } from './config.ts';

const EXAMPLES = `
Examples:
  pixtape sample smileys-quick smileys.png               a row for each class
  pixtape sample smileys-quick sad.png --class sad --seed 7
  pixtape sample photos-dcgan strips.png --interpolate 8 --n 32
  pixtape sample photos-dcgan made/ --n 1000             single pictures, for whatever measures them

Batch norm uses the running statistics from training, so a picture depends on its noise and class alone: with the run's
own seed, these are the pixels of the grids in its samples folder.`;

type SampleFlags = FlagsOf<typeof sampleFlags>;

function sampleFlags() {
  return new Command('sample')
    .description('Make pictures with a trained GAN.')
    .argument('<checkpoint>', CHECKPOINT_HELP)
    .argument('<out>', 'NAME.png: a sheet of all; anything else: a folder for single pictures')
    .option('--n <n>', 'pictures in all; with classes divided evenly among them', wholeNumber(1), 64)
    .option('--seed <n>', "of the noise (default: the run's, as in its grids)", wholeNumber(0))
    .option('--class <name>', 'only pictures of this class')
    .option('--interpolate <k>', 'strips of k pictures, each from one noise vector to another', wholeNumber(2))
    .addOption(runsOption())
    .addOption(adapterOption())
    .allowExcessArguments(false);
}

export const sampleCommand = () => sampleFlags().addHelpText('after', EXAMPLES).action(sample);

async function sample(checkpoint: string, out: string, flags: SampleFlags): Promise<void> {
  const path = findCheckpoint(checkpoint, flags.checkpoints_dir);
  const { config, step, run } = await readGanHeader(path);
  const sheet = extname(out) !== '' && !namesFolder(out);
  if (sheet && extname(out).toLowerCase() !== '.png') checkPng(out);
  const options: SampleOptions = {
    seed: flags.seed ?? config.seed,
    count: flags.n,
    ...(flags.class === undefined ? {} : { label: labelOf(flags.class, config.classes, path) }),
    ...(flags.interpolate === undefined ? {} : { interpolate: flags.interpolate }),
  };
  const device = await openDevice(flags.adapter);
  try {
    console.log(`adapter  ${device.description}`);
    const { generator } = await loadGanGenerator(device, path);
    console.log(`model    ${path}, step ${step}, ${config.side} × ${config.side}`);
    const sampler = new GanSampler(device, generator);
    const plan = planSamples(config, options).flat();
    if (sheet) {
      const section = await drawSheet(sampler, config, options);
      if (section) await writeFileAtomic(out, await pictureSheet([section], config.side));
    } else {
      const pictures = await sampler.draw(plan);
      for (const [i, data] of pictures.entries()) {
        const file = join(out, `${fileName(plan[i]?.name ?? '')}.png`);
        await writePictureAs(file, { width: config.side, height: config.side, data });
      }
    }
    console.log(`made     ${plan.length} picture${plan.length === 1 ? '' : 's'} → ${out}`);
    if ((run as GanRecord).data?.data !== 'folder') console.log(`learnt from OpenMoji. ${OPENMOJI_CREDITS}`);
  } finally {
    device.destroy();
  }
}

/** @throws PixtapeError listing the classes if none has that name */
function labelOf(name: string, classes: readonly string[], path: string): number {
  const label = classes.indexOf(name);
  if (label >= 0) return label;
  if (classes.length === 0) throw new PixtapeError(`--class ${name}: ${path} was trained without classes`);
  throw new PixtapeError(`--class ${name}: there is no such class`, `Classes are ${classes.join(', ')}.`);
}

function checkPng(out: string): never {
  checkWritable(out);
  throw new PixtapeError(`${out}: sheets are written as PNG`, 'End the name with .png, or name a folder.');
}

/** Class names come from folders and tables, and may hold characters that file names may not. */
const fileName = (name: string): string => name.replace(/[\\/:*?"<>|]/g, '_');
