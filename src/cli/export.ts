import { realpathSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { exportGenerator } from '../train/export.ts';
import { decodeHeader, GENERATOR } from '../train/state.ts';
import { PixtapeError } from '../util/errors.ts';
import { readSafetensors, writeSafetensorsAtomic } from '../util/files.ts';
import { formatBytes } from '../util/format.ts';
import type { NamedTensor } from '../util/safetensors.ts';
import { findCheckpoint } from './find_checkpoint.ts';

export interface ExportFlags {
  f16?: boolean;
  checkpoints_dir: string;
}

const EXAMPLES = `
Examples:
  pixtape export openmoji-quick face.safetensors --f16    a small file, e.g. for a page on the web
  pixtape translate face.safetensors drawing.png painted.png

The file holds the generator and its configuration: enough to paint with, in translate and in the browser, not to go on
training. It is safetensors with PyTorch's names.`;

export function exportCommand(): Command {
  return new Command('export')
    .description('Write the generator of a checkpoint into a file of its own.')
    .argument('<checkpoint>', 'a checkpoint, the folder of a run, or the name of one')
    .argument('<out>', 'the file to write')
    .option('--f16', 'store the weights of convolutions in half precision')
    .option('--checkpoints_dir <dir>', 'where runs are, for a name', 'runs')
    .allowExcessArguments(false)
    .addHelpText('after', EXAMPLES)
    .action(exportFile);
}

async function exportFile(checkpoint: string, out: string, flags: ExportFlags): Promise<void> {
  const path = findCheckpoint(checkpoint, flags.checkpoints_dir);
  refuseSame(path, out);
  const file = await readSafetensors(path);
  try {
    const header = decodeHeader(file.metadata, path);
    const tensors = new Map<string, NamedTensor>();
    for (const name of file.entries.keys()) if (name.startsWith(GENERATOR)) tensors.set(name, await file.read(name));
    const pieces = exportGenerator(header, tensors, { half: flags.f16 ?? false });
    await writeSafetensorsAtomic(out, pieces);
    const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    const { hidden, depth } = header.config.generator;
    console.log(`generator ${hidden}/${depth} after step ${header.step}: ${formatBytes(bytes)} → ${out}`);
  } finally {
    await file.close();
  }
}

/** The checkpoint holds what the export leaves out. */
function refuseSame(path: string, out: string): void {
  if (!statSync(out, { throwIfNoEntry: false }) || realpathSync.native(out) !== realpathSync.native(path)) return;
  throw new PixtapeError(`${out} is the checkpoint itself: it would be overwritten`, 'Choose another OUT.');
}
