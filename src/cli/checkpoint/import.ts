import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';
import { formatBytes } from '../../engine/util/format.ts';
import { writeSafetensorsAtomic } from '../../files/files.ts';
import { TENSORFLOW_HINT } from '../../files/weights/identify.ts';
import { openWeights } from '../../files/weights/open_weights.ts';
import { isPictured } from '../../pix2pix/data/image/encode.ts';
import { checkNetworks, describeGenerator } from '../../pix2pix/models/networks.ts';
import { importGenerator } from '../../pix2pix/train/checkpoint/import.ts';
import { pictureSize } from '../flags/arguments.ts';
import { Command } from '../flags/commander.ts';
import type { FlagsOf } from '../flags/flags.ts';
import { shellQuoted } from '../run/text.ts';

const EXAMPLES = `
Examples:
  pixtape import checkpoints/facades_pix2pix facades.safetensors    the folder with latest_net_G.pth
  pixtape import latest_net_G.pth facades.safetensors
  pixtape translate facades.safetensors labels.png facade.png --dropout

What the network is, names and shapes of the weights tell: pix2pix's U-Nets of any depth, width and norm, CycleGAN's ResNets,
the tutorial's generator, or resize U-Nets. WEIGHTS is safetensors, or what torch.save wrote (.pth, .pt, .ckpt): a state_dict,
by itself or within a whole training's state. Nothing in it is run: only tensors and plain containers are read, and a file
that wants more is refused.

pix2pix's test.py keeps dropout and the batch's own statistics on unless told otherwise: so does translate --dropout.`;

type ImportFlags = FlagsOf<typeof importFlags>;

function importFlags() {
  return new Command('import')
    .description("Make a checkpoint to paint with from a generator's weights that PyTorch trained.")
    .argument(
      '<weights>',
      "a .pth or safetensors file of the generator's state_dict(), or a folder that holds latest_net_G.pth",
    )
    .argument('<out>', 'the checkpoint to write, for translate, export and the page')
    .option('--crop_size <size>', 'side of the pictures that it was trained with, or WIDTHxHEIGHT', pictureSize)
    .option('--no-dropout', 'it was trained without dropout')
    .option('--network <name>', 'which generator, if the file holds several, e.g. netG_A')
    .allowExcessArguments(false);
}

export const importCommand = () => importFlags().addHelpText('after', EXAMPLES).action(importWeights);

async function importWeights(given: string, out: string, flags: ImportFlags): Promise<void> {
  const { crop_size: size, dropout, network } = flags;
  const options = { dropout: dropout ? 0.5 : 0, ...(size ? { size } : {}), ...(network ? { network } : {}) };
  const file = await openWeights(inFolder(given));
  const { config, pieces } = await importGenerator(file, options).finally(() => file.close());
  checkNetworks(config, config.width, config.height, false);
  await writeSafetensorsAtomic(out, pieces);
  const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  console.log(`generator ${describeGenerator(config)}: ${formatBytes(bytes)} → ${out}`);
  const { inChannels, outChannels } = config.generator;
  if (!(isPictured(inChannels) && isPictured(outChannels))) {
    console.log(
      `  note      from ${inChannels} channels to ${outChannels}: TIFF or .npy with as many bands, not pictures`,
    );
  }
  console.log(`  try it    npx pixtape translate ${shellQuoted(out)} IN OUT`);
}

/** Finds the generator in the folder of a run of pytorch-CycleGAN-and-pix2pix. Returns files unchanged. */
function inFolder(given: string): string {
  if (!statSync(given, { throwIfNoEntry: false })?.isDirectory()) return given;
  const latest = join(given, 'latest_net_G.pth');
  if (existsSync(latest)) return latest;
  const names = readdirSync(given);
  const weights = names.filter((name) => /\.(pth|pt|ckpt|safetensors|bin)$/i.test(name)).sort();
  if (names.some((name) => /^(saved_model\.pb|checkpoint|export\.meta)$/.test(name)) && weights.length === 0) {
    throw new PixtapeError(`${given} is a folder of TensorFlow's, which is not read here`, TENSORFLOW_HINT);
  }
  const holds = weights.length > 0 ? `It has ${weights.slice(0, 5).join(', ')}: name one of them.` : 'Name the file.';
  throw new PixtapeError(`${given} is a folder without latest_net_G.pth`, holds);
}
