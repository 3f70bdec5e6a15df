import { statSync } from 'node:fs';
import { PixtapeError } from '../../engine/util/errors.ts';
import { formatBytes } from '../../engine/util/format.ts';
import { readSafetensors, writeSafetensorsAtomic } from '../../files/files.ts';
import { describeGenerator } from '../../pix2pix/models/networks.ts';
import { INPUT, OUTPUT } from '../../pix2pix/models/onnx/encode.ts';
import { OPSET } from '../../pix2pix/models/onnx/graph.ts';
import { generatorTensors } from '../../pix2pix/train/checkpoint/checkpoint.ts';
import { exportGenerator, exportOnnx } from '../../pix2pix/train/checkpoint/export.ts';
import { decodeHeader } from '../../pix2pix/train/checkpoint/state.ts';
import { Command } from '../flags/commander.ts';
import { CHECKPOINT_HELP, type FlagsOf, runsOption } from '../flags/flags.ts';
import { findCheckpoint } from './find.ts';

const EXAMPLES = `
Examples:
  pixtape export openmoji-quick face.safetensors --f16    a small file, e.g. for a page on the web
  pixtape translate face.safetensors drawing.png painted.png
  pixtape export facades facades.onnx --onnx              the same network for onnxruntime

The file holds the generator and its configuration: enough to paint with, in translate and in the browser, not to go on
training. It is safetensors with PyTorch's names, or with --onnx a model (opset ${OPSET}) that other programs run:

  PyTorch net.load_state_dict(safetensors.torch.load_file('face.safetensors'))
  Python  session = onnxruntime.InferenceSession('facades.onnx')
          picture, = session.run(None, {'${INPUT}': x})       # x: float32 array
  JS      const session = await ort.InferenceSession.create('facades.onnx');
          const { ${OUTPUT} } = await session.run({ ${INPUT}: new ort.Tensor('float32', x, [1, 3, 256, 256]) });

x is (batch, channels, height, width), values from 0 to 1, and so is the picture. Batch and sizes are free, sides
multiples of 2^depth. No dropout, and batch norm by its running statistics, or, as translate has it, by each picture's own
where one serves two places. metadata_props tell configuration, step and statistics.`;

type ExportFlags = FlagsOf<typeof exportFlags>;

function exportFlags() {
  return new Command('export')
    .description('Write the generator of a checkpoint into a file of its own.')
    .argument('<checkpoint>', CHECKPOINT_HELP)
    .argument('<out>', 'the file to write')
    .option('--f16', 'store the weights of convolutions in half precision')
    .option('--onnx', 'write an ONNX model instead of safetensors, for onnxruntime and others')
    .option('--eval', 'ONNX: running statistics also where one batch norm serves two places')
    .addOption(runsOption())
    .allowExcessArguments(false);
}

export const exportCommand = () => exportFlags().addHelpText('after', EXAMPLES).action(exportFile);

async function exportFile(checkpoint: string, out: string, flags: ExportFlags): Promise<void> {
  const path = findCheckpoint(checkpoint, flags.checkpoints_dir);
  refuseSame(path, out);
  checkFormat(out, flags);
  const file = await readSafetensors(path);
  try {
    const header = decodeHeader(file.metadata, path);
    const tensors = await generatorTensors(file);
    const pieces = flags.onnx
      ? await exportOnnx(header, tensors, path, flags.eval ? 'running' : undefined)
      : exportGenerator(header, tensors, { half: flags.f16 ?? false, file: path });
    await writeSafetensorsAtomic(out, pieces);
    const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    // A file written to /dev/stdout must not be mixed with messages.
    const say = statSync(out).isFile() ? console.log : console.error;
    say(`generator ${describeGenerator(header.config)} after step ${header.step}: ${formatBytes(bytes)} → ${out}`);
  } finally {
    await file.close();
  }
}

function checkFormat(out: string, { onnx, f16, eval: evaluation }: ExportFlags): void {
  if (!onnx && evaluation) {
    throw new PixtapeError('--eval without --onnx: only an ONNX file fixes which statistics are used');
  }
  if (onnx && f16) throw new PixtapeError('--onnx with --f16: ONNX files are written in full precision only');
  if (!onnx && /\.onnx$/i.test(out)) throw new PixtapeError(`${out} would be safetensors`, 'Add --onnx to write ONNX.');
}

/** Refuses to overwrite the checkpoint, which holds more than the export. */
function refuseSame(path: string, out: string): void {
  const [there, from] = [statSync(out, { throwIfNoEntry: false }), statSync(path)];
  if (!there || there.ino !== from.ino || there.dev !== from.dev) return;
  throw new PixtapeError(`${out} is the checkpoint itself: it would be overwritten`, 'Choose another OUT.');
}
