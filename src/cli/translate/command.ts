import { statSync } from 'node:fs';
import { openDevice } from '../../drivers/open_device.ts';
import { FolderLock } from '../../files/lock/lock.ts';
import { isPictured } from '../../pix2pix/data/image/encode.ts';
import { OPENMOJI_CREDITS } from '../../pix2pix/data/sources/emoji/emoji.ts';
import { describeGenerator } from '../../pix2pix/models/networks.ts';
import { loadGenerator, readPainterHeader } from '../../pix2pix/train/checkpoint/checkpoint.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import { type CheckpointHeader, CYCLE_GENERATORS } from '../../pix2pix/train/checkpoint/state.ts';
import { Predictor } from '../../pix2pix/train/steps/predictor.ts';
import { findCheckpoint } from '../checkpoint/find.ts';
import { pictureSize, valueRange, wholeNumber } from '../flags/arguments.ts';
import { Command, Option } from '../flags/commander.ts';
import { adapterOption, CHECKPOINT_HELP, choice, type FlagsOf, runsOption } from '../flags/flags.ts';
import { watchInterrupt } from '../run/interrupt.ts';
import { paintingMode, predictorMode } from '../shared/mode.ts';
import { findPictures, type Job } from './files.ts';
import { type Translation, translateAll } from './start.ts';

const EXAMPLES = `
Examples:
  pixtape translate openmoji-quick drawing.png painted.png            the run of that name, one picture
  pixtape translate runs/facades/latest.safetensors labels/ painted/  every picture in a folder
  pixtape translate facades facades/test painted --side right         side-by-side pairs: paint from the right half
  pixtape translate facades photo.jpg out.png --crop_size 256         at the size that the network was trained at

Pictures whose sides are multiples of the network's unit (2^depth; 256 for unet_256) keep their size and go through as they are. Others are
filled up by repeating their edge, painted, and cut back. The format of OUT is what its name ends in: .png, .jpg or .webp, or
.npy for an array of float32, values as --range has them: for networks of other channels than pictures have.`;

type TranslateFlags = FlagsOf<typeof translateFlags>;

function translateFlags() {
  return new Command('translate')
    .description('Paint pictures with a trained generator.')
    .argument('<checkpoint>', CHECKPOINT_HELP)
    .argument('<in>', 'a picture, or a folder of pictures; no B side is needed')
    .argument('<out>', 'a file or a folder; never the same file as IN')
    .addOption(
      new Option('--side <half>', 'pictures are side-by-side pairs: take this half').choices(['left', 'right']),
    )
    .addOption(
      choice('--network <name>', 'of a CycleGAN: G_A paints B from A, G_B A from B (default: G_A)', CYCLE_GENERATORS),
    )
    .option('--crop_size <size>', 'resize to this side, or WIDTHxHEIGHT, as training does', pictureSize)
    .addOption(new Option('--resize <mode>', "how (default: the run's)").choices(['nearest', 'bilinear']))
    .addOption(
      new Option('--format <format>', 'of pictures in a folder (default: png; npy for other channels)').choices([
        'png',
        'jpg',
        'webp',
        'npy',
      ]),
    )
    .option(
      '--range <min,max>',
      "the values that become 0 and 1, for files whose values are not bytes (default: the run's)",
      valueRange,
    )
    .option('--dropout', "keep dropout and the batch's own statistics on, as the paper does at test time")
    .option('--eval', "PyTorch's evaluation mode also where one batch norm serves two places: its running statistics")
    .option('--seed <n>', "of the dropout (default: the run's)", wholeNumber(0))
    .option('--skip_bad', 'skip unreadable pictures, each with a warning')
    .addOption(runsOption())
    .addOption(adapterOption())
    .allowExcessArguments(false);
}

export const translateCommand = () => translateFlags().addHelpText('after', EXAMPLES).action(translate);

async function translate(checkpoint: string, from: string, to: string, flags: TranslateFlags): Promise<void> {
  const path = findCheckpoint(checkpoint, flags.checkpoints_dir);
  const { config, run, step } = await readPainterHeader(path, flags.network);
  const record = run as Partial<RunRecord>;
  const { outChannels } = config.generator;
  const format = flags.format ?? (isPictured(outChannels) ? 'png' : 'npy');
  const jobs = await findPictures(from, to, format, outChannels);
  const lock = statSync(from).isDirectory() ? await takeOut(to) : undefined;
  try {
    await paint(jobs, { path, config, record, step, to }, flags);
  } finally {
    await lock?.release();
  }
}

interface Source extends Pick<CheckpointHeader, 'config' | 'step'> {
  /** The checkpoint. */
  path: string;
  record: Partial<RunRecord>;
  to: string;
}

async function paint(jobs: Job[], { path, config, record, step, to }: Source, flags: TranslateFlags): Promise<void> {
  const device = await openDevice(flags.adapter);
  const interrupt = watchInterrupt(() => console.log('\nfinishing this picture … (Ctrl-C again to stop at once)'));
  try {
    console.log(`adapter  ${device.description}`);
    const { generator, rng } = await loadGenerator(device, path, flags.seed, flags.network);
    const mode = paintingMode(flags, config.generator);
    console.log(
      `model    ${path}, ${describeGenerator(config)}, step ${step}, trained at ${config.width} × ${config.height}; ${mode}`,
    );
    const resize = flags.resize ?? record.data?.resize ?? 'nearest';
    const work: Translation = {
      predictor: new Predictor(device, generator, predictorMode(flags, rng)),
      device,
      config,
      sampling: flags.dropout ?? false,
      range: flags.range ?? record.data?.range,
      pairs: record.data?.data === 'folder' ? pairsOf(record.data, record.sideBySide) : undefined,
      preparation: {
        ...(flags.side ? { side: flags.side } : {}),
        ...(flags.crop_size ? { resize: { ...flags.crop_size, mode: resize } } : {}),
      },
      skipBad: flags.skip_bad ?? false,
      interrupted: interrupt.asked,
    };
    const done = await translateAll(jobs, work);
    const pace = done.pictures > 1 ? `, ${(done.pictures / done.seconds).toPrecision(3)} pictures/s` : '';
    const count = `${done.pictures} picture${done.pictures === 1 ? '' : 's'}`;
    console.log(`kernels  ready in ${done.preparing.toFixed(1)} s`);
    console.log(`painted  ${count} in ${done.seconds.toPrecision(2)} s${pace} → ${to}`);
    if (record.data?.data === 'openmoji') console.log(`learnt from OpenMoji. ${OPENMOJI_CREDITS}`);
    if (done.pictures < jobs.length) process.exitCode = 1;
  } finally {
    interrupt.stop();
    device.destroy();
  }
}

/** Two commands that fill one folder would mix their pictures. Single pictures may share a folder. */
const takeOut = (folder: string) =>
  FolderLock.take(folder, {
    command: 'pixtape translate',
    hint: 'Wait until it is done, or name another folder for OUT.',
    note: (line) => console.warn(line),
  });

/** Old records do not say whether the pairs were side by side. */
const pairsOf = ({ direction }: RunRecord['data'], sideBySide = true): Translation['pairs'] => ({
  sideBySide,
  half: direction === 'BtoA' ? 'right' : 'left',
});
