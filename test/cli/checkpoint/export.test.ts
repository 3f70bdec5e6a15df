import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, expect, it } from 'vitest';
import { fromHalf } from '../../../src/engine/util/half.ts';
import { decodeSafetensors } from '../../../src/engine/util/safetensors.ts';
import { temporaryFolders } from '../../pix2pix/train/tiny.ts';
import { build, pixtape, TINY, writePairs } from '../command.ts';

const folder = temporaryFolders();
beforeAll(build);

const open = (path: string) => decodeSafetensors(new Uint8Array(readFileSync(path)), path);

it('exports the generator in float32 and in halves; both translate, neither can be trained further', {
  timeout: 240_000,
}, async () => {
  const home = folder();
  const pairs = writePairs(join(home, 'pairs'), 4);
  const run = async (...args: string[]) => {
    const result = await pixtape(args, home);
    expect(result.code, result.stderr).toBe(0);
    return result.stdout;
  };
  await run('train', '--dataroot', pairs, '--name', 'tiny', '--steps', '3', ...TINY);
  expect(await run('export', 'tiny', 'whole.safetensors')).toMatch(/^generator .*2\/2 after step 3: .* → whole/);
  await run('export', 'runs/tiny', 'half.safetensors', '--f16');

  const all = open(join(home, 'runs', 'tiny', 'latest.safetensors'));
  const whole = open(join(home, 'whole.safetensors'));
  const half = open(join(home, 'half.safetensors'));
  // PyTorch's own names, for its load_state_dict. A checkpoint prefixes them, because it holds two networks.
  const inCheckpoint = [...all.tensors.keys()].filter((name) => name.startsWith('gen.')).sort();
  const names = inCheckpoint.map((name) => name.slice('gen.'.length));
  expect([...whole.tensors.keys()].sort()).toEqual(names);
  expect([...half.tensors.keys()].sort()).toEqual(names);
  expect(whole.metadata).toEqual(all.metadata);
  for (const name of names) {
    expect(whole.tensors.get(name), name).toEqual(all.tensors.get(`gen.${name}`));
    const [exact, short] = [whole.tensors.get(name), half.tensors.get(name)];
    if (exact?.dtype !== 'F32' || exact.shape.length !== 4) expect(short, name).toEqual(exact);
    else if (short?.dtype !== 'F16') throw new Error(`${name} is ${short?.dtype}`);
    else {
      fromHalf(short.data).forEach((value, i) => {
        const want = exact.data[i] as number;
        expect(Math.abs(value - want)).toBeLessThanOrEqual(2 ** -11 * Math.abs(want) + 2 ** -25);
      });
    }
  }

  const painted = async (checkpoint: string) => {
    await run('translate', checkpoint, join(pairs, 'pair0.png'), `${checkpoint}.png`, '--side', 'right');
    return PNG.sync.read(readFileSync(join(home, `${checkpoint}.png`))).data;
  };
  await run('translate', 'tiny', join(pairs, 'pair0.png'), 'tiny.png', '--side', 'right');
  const reference = PNG.sync.read(readFileSync(join(home, 'tiny.png'))).data;
  expect(await painted('whole.safetensors')).toEqual(reference);
  const off = (await painted('half.safetensors')).map((value, i) => Math.abs(value - (reference[i] as number)));
  expect(Math.max(...off)).toBeLessThanOrEqual(2);

  expect(await run('export', 'half.safetensors', 'tiny.onnx', '--onnx')).toMatch(/after step 3: .* → tiny\.onnx/);
  const onnx = readFileSync(join(home, 'tiny.onnx'));
  // Every ONNX file that we write begins with the IR version and the producer.
  expect([...onnx.subarray(0, 4)]).toEqual([8, 7, 0x12, 7]);
  expect(onnx.subarray(4, 11).toString()).toBe('pixtape');
  expect(onnx.includes(`"hidden":2`)).toBe(true);
  for (const [args, message] of [
    [['tiny', 'both.onnx', '--onnx', '--f16'], /--onnx with --f16/],
    [['tiny', 'eval.safetensors', '--eval'], /--eval without --onnx/],
    [['tiny', 'wrong.onnx'], /wrong\.onnx would be safetensors\n.*--onnx/],
  ] as const) {
    const wrong = await pixtape(['export', ...args], home);
    expect(wrong.stderr).toMatch(message);
    expect(wrong.code).toBe(1);
  }

  const refused = await pixtape(['export', 'tiny', 'runs/tiny/latest.safetensors', '--f16'], home);
  expect(refused.stderr).toMatch(/is the checkpoint itself/);
  expect(refused.code).toBe(1);
  expect(statSync(join(home, 'runs', 'tiny', 'latest.safetensors')).size).toBeGreaterThan(0);
  await run('export', 'tiny', 'runs/half/latest.safetensors', '--f16');
  const goOn = await pixtape(['train', '--continue_train', '--name', 'half', '--steps', '5'], home);
  expect(goOn.stderr).toMatch(/holds only a generator/);
  expect(goOn.code).toBe(1);
});
