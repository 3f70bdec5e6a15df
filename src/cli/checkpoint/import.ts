import { Command } from '@commander-js/extra-typings';
import { formatBytes } from '../../engine/util/format.ts';
import { writeSafetensorsAtomic } from '../../files/files.ts';
import { checkNetworks, describeGenerator } from '../../pix2pix/models/networks.ts';
import { allTensors, reading } from '../../pix2pix/train/checkpoint/checkpoint.ts';
import { importGenerator } from '../../pix2pix/train/checkpoint/import.ts';
import { pictureSize } from '../shared/arguments.ts';
import type { FlagsOf } from '../shared/flags.ts';
import { quoted } from '../shared/run_text.ts';

const EXAMPLES = `
Examples:
  pixtape import latest_net_G.safetensors facades.safetensors
  pixtape translate facades.safetensors labels.png facade.png --dropout

What the network is, names and shapes of the weights tell: pix2pix's U-Nets of any depth, width and norm, or the tutorial's
generator. PyTorch's own files (.pth) are pickled programs, which only PyTorch should run; three lines turn one into
safetensors:

  import torch, safetensors.torch
  weights = torch.load('latest_net_G.pth', map_location='cpu')
  safetensors.torch.save_file({k: v.contiguous() for k, v in weights.items()}, 'latest_net_G.safetensors')

pix2pix's test.py keeps dropout and the batch's own statistics on unless told otherwise: so does translate --dropout.`;

type ImportFlags = FlagsOf<typeof importFlags>;

function importFlags() {
  return new Command('import')
    .description("Make a checkpoint to paint with from a generator's weights that PyTorch trained.")
    .argument('<weights>', "safetensors with the names of the generator's state_dict()")
    .argument('<out>', 'the checkpoint to write, for translate, export and the page')
    .option('--crop_size <size>', 'side of the pictures that it was trained with, or WIDTHxHEIGHT', pictureSize)
    .option('--no-dropout', 'it was trained without dropout')
    .allowExcessArguments(false);
}

export const importCommand = () => importFlags().addHelpText('after', EXAMPLES).action(importWeights);

async function importWeights(path: string, out: string, flags: ImportFlags): Promise<void> {
  const options = { dropout: flags.dropout ? 0.5 : 0, source: path };
  const size = flags.crop_size ? { size: flags.crop_size } : {};
  const weights = await reading(path, (file) => allTensors(file));
  const { config, pieces } = await importGenerator(weights, { ...options, ...size });
  checkNetworks(config, config.width, config.height, false);
  await writeSafetensorsAtomic(out, pieces);
  const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  console.log(`generator ${describeGenerator(config)}: ${formatBytes(bytes)} → ${out}`);
  console.log(`  try it    npx pixtape translate ${quoted(out)} IN OUT`);
}
