import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PixtapeError } from '../../src/engine/util/errors.ts';
import type { NamedTensor } from '../../src/engine/util/safetensors.ts';
import { openWeights } from '../../src/files/weights/open_weights.ts';

const fixtures = resolve(import.meta.dirname, '..', 'fixtures', 'pth');
const fixture = (name: string) => join(fixtures, name);
const home = mkdtempSync(join(tmpdir(), 'pixtape-weights-'));
afterAll(() => rmSync(home, { recursive: true }));

async function readAll(path: string): Promise<Map<string, NamedTensor>> {
  const file = await openWeights(path);
  try {
    const tensors = new Map<string, NamedTensor>();
    for (const [name, { dtype, shape }] of file.entries) {
      const tensor = await file.read(name);
      expect([name, tensor.dtype, tensor.shape]).toEqual([name, dtype, [...shape]]);
      tensors.set(name, tensor);
    }
    return tensors;
  } finally {
    await file.close();
  }
}

/** The error of opening a file, as a user reads it. */
async function refusal(path: string): Promise<string> {
  const error = await openWeights(path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PixtapeError);
  return (error as PixtapeError).message;
}

describe('what torch.save wrote reads as PyTorch has it, bit for bit', () => {
  const variants = ['values', 'values-protocol4', 'values-legacy', 'values-legacy-python2'];
  it.for(variants)('every type and every layout of a storage: %s', async (name) => {
    const wanted = await readAll(fixture('values.safetensors'));
    const tensors = await readAll(fixture(`${name}.pth`));
    expect([...tensors.keys()].sort()).toEqual([...wanted.keys()].sort());
    for (const [key, tensor] of wanted) expect(tensors.get(key), key).toEqual(tensor);
  });

  it('views of a storage, as old versions saved them', async () => {
    const tensors = await readAll(fixture('views-legacy.pth'));
    expect(tensors.get('left')?.data).toEqual(Float32Array.of(0, 0.25, 0.5, 0.75));
    expect(tensors.get('right')?.data).toEqual(Float32Array.of(1, 1.25));
  });

  it('the state of a whole training: tensors by their path through its containers, the rest skipped', async () => {
    const tensors = await readAll(fixture('training.pth'));
    const wanted = await readAll(fixture('latest_net_G.safetensors'));
    const prefix = 'model.state_dict.netG.module._orig_mod.';
    for (const name of wanted.keys()) expect(tensors.has(prefix + name), name).toBe(true);
    expect(tensors.get('optimizer_states.0.state.0.exp_avg')?.dtype).toBe('F32');
  });
});

describe('what is refused', () => {
  it.for([
    ['hostile.pth', /hostile\.pth is refused: it wants Python's "posix\.system".*nothing of it was run/],
    ['hostile-legacy.pth', /"__builtin__\.eval"/],
    ['object.pth', /"torch\.nn\.modules\.conv\.Conv2d"[\s\S]*state_dict\(\)/],
    ['repeated.pth', /a tensor of \[1000,1000,1000\] repeats the 1 values/],
    ['script.pt', /is a TorchScript program/],
    ['plain.pkl', /is a pickle of Python, but not of torch\.save/],
    ['numbers.npz', /holds arrays of NumPy/],
  ] as const)('%s', async ([name, message]) => {
    expect(await refusal(fixture(name))).toMatch(message);
  });

  const t7 = Buffer.concat([Buffer.from([4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0]), Buffer.from('V 1'), Buffer.alloc(9)]);
  it.for([
    ['facades.t7', t7, /Lua Torch.*\n.*latest_net_G\.pth/],
    ['lua.dat', t7, /Lua Torch/],
    ['model.h5', '\x89HDF\r\n\x1a\n\0\0\0\0', /HDF5.*Keras.*\n.*train anew/],
    ['model-200000.data-00000-of-00001', 'weights of some kind', /TensorFlow.*\n.*latest_net_G\.pth/],
    ['saved_model.pb', '\x08\x01\x12\x05abcdefgh', /TensorFlow/],
    ['export.meta', '\x0a\x05abcdefgh', /TensorFlow/],
    ['checkpoint', 'model_checkpoint_path: "model-200000"\n', /TensorFlow/],
    ['net.onnx', '\x08\x07\x12\x07pytorch', /ONNX/],
    ['weights.npy', '\x93NUMPY\x01\x00v\x00', /array of NumPy/],
    ['net.pth.gz', '\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00', /gzip.*\n.*gunzip/],
    ['latest_net_G.pth', '<!DOCTYPE html><html>', /web page.*\n.*Download it again/],
    ['lfs.pth', 'version https://git-lfs.github.com/spec/v1\n', /Git LFS.*\n.*git lfs pull/],
    ['face.png', '\x89PNG\r\n\x1a\n\0\0\0\0', /is a picture/],
    ['nothing.pth', '', /is empty \(0 bytes\)/],
    ['noise.pth', 'what this is nobody knows', /no file of weights that is known.*\n.*torch\.save/],
    ['short.safetensors', '12345', /cut short: 5 bytes of at least 8/],
  ] as const)('%s is named', async ([name, content, message]) => {
    const path = join(home, name);
    writeFileSync(path, typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
    expect(await refusal(path)).toMatch(message);
  });

  it('a storage whose header in the archive is damaged', async () => {
    const bytes = readFileSync(fixture('values.pth'));
    const first = bytes.indexOf('PK\x03\x04');
    const second = bytes.indexOf('PK\x03\x04', first + 4);
    bytes[second + 2] = 0x99;
    const path = join(home, 'head.pth');
    writeFileSync(path, bytes);
    await expect(readAll(path)).rejects.toThrow(/head\.pth cannot be read: its zip archive is cut short or damaged/);
  });

  it('an archive that names bytes far beyond its end', async () => {
    const whole = readFileSync(fixture('values.pth'));
    const locator = whole.indexOf('PK\x06\x07');
    const directory = whole.indexOf('PK\x06\x06');
    expect(Math.min(locator, directory)).toBeGreaterThan(0);
    for (const field of [locator + 8, directory + 48]) {
      for (const offset of [2n ** 62n, 2n ** 64n - 1n, 2n ** 40n, BigInt(whole.length - 1)]) {
        const path = join(home, 'beyond.pth');
        const bytes = Buffer.from(whole);
        bytes.writeBigUInt64LE(offset, field);
        writeFileSync(path, bytes);
        expect(await refusal(path), `${offset} at ${field}`).toMatch(/beyond\.pth cannot be read: its zip archive/);
      }
    }
  });

  it('a file that is cut short, at any place', async () => {
    for (const name of ['values.pth', 'values-legacy.pth']) {
      const whole = readFileSync(fixture(name));
      for (let length = 3; length < whole.length; length += 37) {
        const path = join(home, 'cut.pth');
        writeFileSync(path, whole.subarray(0, length));
        expect(await refusal(path), `${name}, ${length} bytes`).toMatch(/cut\.pth/);
      }
    }
  });
});
