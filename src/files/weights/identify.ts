import { basename } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';
import { KERAS_HINT } from './torch_archive.ts';

/** The kind of a file of weights, told by its first bytes. `zip` and `pickle` are PyTorch's two formats. */
export type WeightsKind = 'safetensors' | 'zip' | 'pickle';

interface Foreign {
  is(head: Uint8Array, name: string): boolean;
  what: string;
  hint: string;
}

const OTHER_HINT =
  'pixtape reads safetensors and files of torch.save (.pth, .pt, .ckpt). Give the weights in one of these, or train anew ' +
  'with pixtape train.';

export const TENSORFLOW_HINT =
  'Its weights have other names and orders than PyTorch’s, and there is no converter here: train anew with pixtape ' +
  'train, or take weights of PyTorch (latest_net_G.pth).';

/** Files of weights that pixtape does not read, and what to do instead. */
const FOREIGN: readonly Foreign[] = [
  {
    // A type (4: object, 3: table), an index, and for an object the text "V 1".
    is: (head, name) => begins(head, [4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0x56, 0x20]) || /\.(t7|net)$/.test(name),
    what: 'is a file of Lua Torch (.t7)',
    hint:
      'The pix2pix models of Lua were made anew for PyTorch: take latest_net_G.pth from pytorch-CycleGAN-and-pix2pix, ' +
      'scripts/download_pix2pix_model.sh.',
  },
  { is: (head) => begins(head, '\x89HDF\r\n\x1a\n'), what: 'is an HDF5 file, as Keras writes (.h5)', hint: KERAS_HINT },
  {
    is: (head, name) =>
      /(\.pb|\.pbtxt|\.ckpt\.meta|\.meta|\.index|\.data-\d{5}-of-\d{5}|\.tflite)$/.test(name) ||
      begins(head, 'model_checkpoint_path:') ||
      begins(head.subarray(4), 'TFL3'),
    what: 'is a file of TensorFlow',
    hint: TENSORFLOW_HINT,
  },
  {
    // The format's version, then the producer's name.
    is: (head, name) => name.endsWith('.onnx') || (head[0] === 8 && head[2] === 0x12),
    what: 'is an ONNX model, which has a graph in the place of names',
    hint: OTHER_HINT,
  },
  { is: (head) => begins(head, 'GGUF'), what: 'is a GGUF file, which holds a language model', hint: OTHER_HINT },
  { is: (head) => begins(head, '\x93NUMPY'), what: 'is an array of NumPy', hint: OTHER_HINT },
  { is: (head) => begins(head, [0x1f, 0x8b]), what: 'is packed with gzip', hint: 'Unpack it: gunzip FILE' },
  {
    is: (head) => begins(head.subarray(257), 'ustar'),
    what: 'is a tar archive',
    hint: 'Unpack it and give the .pth in it. (Before version 0.1.10 PyTorch saved so: load it there and save it again.)',
  },
  {
    is: (head) => begins(head, '<!') || begins(head, '<html'),
    what: 'is a web page, not the file that was to be downloaded',
    hint: 'Download it again: the address gave a page.',
  },
  {
    is: (head) => begins(head, 'version https://git-lfs'),
    what: 'is a pointer of Git LFS, not the file itself',
    hint: 'Fetch the file: git lfs pull',
  },
  {
    is: (head) => begins(head, '\x89PNG') || begins(head, [0xff, 0xd8, 0xff]),
    what: 'is a picture',
    hint: 'Name the file of weights first: pixtape import WEIGHTS OUT',
  },
];

/** @throws PixtapeError if it is another program's file: names the program, and what to do */
export function identifyWeights(path: string, head: Uint8Array): WeightsKind {
  if (head.length === 0) throw new PixtapeError(`${path} is empty (0 bytes)`, 'Copy or download it again.');
  // Safetensors begins with the header's length, then JSON. Check it first: any bytes could be a length.
  if (head.length < 9 || head[8] === OPENING_BRACE) return 'safetensors';
  if (begins(head, 'PK\x03\x04')) return 'zip';
  if (head[0] === 0x80 && (head[1] as number) <= 5) return 'pickle';
  const name = basename(path).toLowerCase();
  const foreign = FOREIGN.find(({ is }) => is(head, name));
  if (foreign) throw new PixtapeError(`${path} ${foreign.what}, which is not read here`, foreign.hint);
  throw new PixtapeError(`${path} is no file of weights that is known`, OTHER_HINT);
}

const OPENING_BRACE = 0x7b;

function begins(head: Uint8Array, wanted: string | readonly number[]): boolean {
  const bytes = typeof wanted === 'string' ? [...wanted].map((c) => c.charCodeAt(0)) : wanted;
  return bytes.every((byte, i) => head[i] === byte);
}
