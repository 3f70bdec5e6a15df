import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Device } from '../../src/engine/gpu/device.ts';
import { decodeSafetensors, encodeSafetensors, type NamedTensor } from '../../src/engine/util/safetensors.ts';
import { type ReferenceGroup, runReference } from '../../tools/pytorch/reference.ts';
import { closeTestDevice, openTestDevice } from '../device.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const path = (name: string) => join(root, 'test', 'fixtures', `${name}.safetensors`);
const SMALLEST = 'depth2-batch1';

interface Contents {
  metadata: Record<string, string>;
  tensors: Map<string, NamedTensor>;
}

let device: Device;

beforeAll(async () => {
  device = await openTestDevice();
});
afterAll(() => closeTestDevice(device));

/** A fresh copy each time, which may be modified. */
function load(name: string): Contents {
  return decodeSafetensors(new Uint8Array(readFileSync(path(name))), name);
}

function run({ metadata, tensors }: Contents): Promise<ReferenceGroup[]> {
  return runReference(device, metadata, tensors, 'spoilt');
}

function floats({ tensors }: Contents, name: string): Float32Array {
  const tensor = tensors.get(name);
  if (tensor?.dtype !== 'F32') throw new Error(`no F32 tensor ${name}`);
  return tensor.data;
}

const failing = (groups: readonly ReferenceGroup[]) => groups.filter(({ ok }) => !ok).map(({ name }) => name);

describe('shipped fixtures', () => {
  test.each([
    SMALLEST,
    'depth3-batch4',
    'depth4-batch3',
    'depth5-batch1',
    'unet32-basic',
    'unet32-pixel-instance',
    'resize16-pixel',
    'ranks2-batch4',
  ])(
    '%s',
    async (name) => {
      const groups = await run(load(name));
      expect(groups.map((group) => group.name)).toEqual([
        ...['fake', 'loss.disc', 'loss.gen', 'loss.adv', 'loss.l1', 'grad.disc', 'grad.gen'],
        ...['after.gen', 'after.disc', 'fake_eval', 'curve.disc', 'curve.gen'],
      ]);
      expect(failing(groups)).toEqual([]);
      // Only biases before a norm, whose gradient is zero, may need the tolerance for noise.
      const noisy = groups.filter((group) => group.name.startsWith('grad.')).flatMap((group) => group.noisy);
      const bare = /^(expanding_layers\.\d\.conv[23]|net\.2|model\.model\.1(\.model\.3)*\.model\.[135])\.bias$/;
      expect(noisy.filter((tensor) => !bare.test(tensor))).toEqual([]);
      for (const group of groups.filter(({ tensors }) => tensors === 1)) expect(group.noisy, group.name).toEqual([]);
      // Far below the format's 1 %, which would hide a wrong average in Adam (an error of 1e-2 in a beta moves them by
      // 4e-5).
      for (const group of groups.filter(({ name }) => name.startsWith('curve.'))) {
        expect(group.relativeL2, group.name).toBeLessThan(1e-5);
      }
    },
    120_000,
  );
});

const SHARED = 'ranks, which share the batch, give the answer of one';
test(`2 ${SHARED}`, { timeout: 120_000 }, () => checkShared(2));
test(`4 ${SHARED}`, { timeout: 120_000, tags: 'long' }, () => checkShared(4));

async function checkShared(ranks: number): Promise<void> {
  const { metadata, tensors } = load('depth3-batch4');
  const groups = await runReference(device, metadata, tensors, 'shared', ranks);
  expect(failing(groups)).toEqual([]);
  for (const group of groups.filter(({ tensors }) => tensors === 1)) expect(group.noisy, group.name).toEqual([]);
  for (const group of groups.filter(({ name }) => name.startsWith('curve.'))) {
    expect(group.relativeL2, group.name).toBeLessThan(1e-5);
  }
}

test('the result of two ranks, each with batch norm over its own part, differs from that of one', async () => {
  const { metadata, tensors } = load('ranks2-batch4');
  await expect(runReference(device, metadata, tensors, 'two', 1)).rejects.toThrow(/two: it is the answer of 2 ranks/);
  const { ranks, ...config } = JSON.parse(metadata.config ?? '');
  expect(ranks).toBe(2);
  const groups = await runReference(device, { ...metadata, config: JSON.stringify(config) }, tensors, 'one');
  // Weights move by the learning rate whatever the gradient, so on some drivers `after.gen` is within what rounding explains.
  expect(failing(groups)).toEqual(expect.arrayContaining(['fake', 'grad.gen']));
});

test('a batch that cannot be divided into equal parts for the ranks', async () => {
  const { metadata, tensors } = load('depth3-batch4');
  const shared = runReference(device, metadata, tensors, 'shared', 3);
  await expect(shared).rejects.toThrow(/a batch of 4 pictures cannot be divided into 3 equal parts/);
});

describe('wrong expectations', { tags: 'long' }, () => {
  test('one value of each output, one per cent of a gradient, half a learning rate of one weight', async () => {
    const fixture = load(SMALLEST);
    const shift = (name: string, by: number, at = 0) => {
      const values = floats(fixture, `expect.${name}`);
      values[at] = (values[at] as number) + by;
    };
    shift('fake', 2e-4, 7);
    shift('fake_eval', 2e-4, 100);
    shift('loss.disc', 2e-4);
    shift('loss.l1', 2e-4);
    shift('curve.gen', 0.02 * (floats(fixture, 'expect.curve.gen')[3] as number), 3);
    for (const name of [
      'gen.contracting_layers.1.conv_block1.conv1.weight',
      'disc.contract4.conv_block1.conv1.weight',
    ]) {
      floats(fixture, `expect.grad.${name}`).forEach((v, i, values) => {
        values[i] = 1.01 * v;
      });
    }
    shift('after.gen.expanding_layers.0.conv2.weight', 1e-4, 5);
    shift('after.disc.final.bias', 1e-4);
    const groups = await run(fixture);
    expect(failing(groups)).toEqual([
      ...['fake', 'loss.disc', 'loss.l1', 'grad.disc', 'grad.gen', 'after.gen', 'after.disc', 'fake_eval', 'curve.gen'],
    ]);
    const worst = Object.fromEntries(groups.map(({ name, worst: { name: tensor } }) => [name, tensor]));
    expect(worst).toMatchObject({
      'grad.gen': 'contracting_layers.1.conv_block1.conv1.weight',
      'grad.disc': 'contract4.conv_block1.conv1.weight',
      'after.gen': 'expanding_layers.0.conv2.weight',
      'after.disc': 'final.bias',
    });
  }, 120_000);

  test('errors that noise does not explain: a zero gradient that is not, a weight moved too far, NaN, a counter', async () => {
    const fixture = load(SMALLEST);
    const bias = 'expanding_layers.0.conv3.bias';
    floats(fixture, `expect.grad.gen.${bias}`)[0] = 1e-3;
    const moved = floats(fixture, `expect.after.gen.${bias}`);
    moved[1] = (moved[1] as number) + 5 * 2e-4;
    floats(fixture, 'expect.fake')[3] = Number.NaN;
    const counter = fixture.tensors.get('expect.after.gen.expanding_layers.1.batchnorm.num_batches_tracked');
    (counter?.data as BigInt64Array)[0] = 3n;
    const groups = await run(fixture);
    expect(failing(groups)).toEqual(['fake', 'grad.gen', 'after.gen']);
    expect(groups.find(({ name }) => name === 'grad.gen')?.worst.name).toBe(bias);
    expect(groups.find(({ name }) => name === 'fake')?.maxError).toBeNaN();
  }, 120_000);
});

describe('files that do not fit the format', () => {
  const config = (change: (config: Record<string, unknown>) => void) => (fixture: Contents) => {
    const given = JSON.parse(fixture.metadata.config ?? '');
    change(given);
    fixture.metadata.config = JSON.stringify(given);
  };
  const remove = (name: string) => (fixture: Contents) => fixture.tensors.delete(name);
  const cases: [string, (fixture: Contents) => unknown, RegExp][] = [
    ['another format', ({ metadata }) => (metadata.format = 'pixtape-checkpoint'), /format is pixtape-checkpoint/],
    ['a later version', ({ metadata }) => (metadata.version = '2'), /version 2; expected pixtape-reference, version 1/],
    ['no format', ({ metadata }) => delete metadata.format, /format is \(none\), version 1/],
    ['no config', ({ metadata }) => delete metadata.config, /config is not JSON/],
    ['a number that is text', config((c) => (c.hidden = '6')), /config\.hidden is "6", expected a whole number/],
    ['no steps', config((c) => delete c.steps), /config\.steps is undefined/],
    ['dropout', config((c) => (c.dropout = 0.5)), /config\.dropout is 0\.5, expected 0 /],
    ['sides that cannot be halved', config((c) => (c.height = 22)), /28 × 22 does not fit a generator of depth 2/],
    ['pictures too small for the PatchGAN', config((c) => (c.width = 12)), /12 × 20 leave the PatchGAN nothing/],
    ['another width than its config', config((c) => (c.hidden = 5)), /gen\.conv1\.weight is F32 \[6,3,1,1\]/],
    ['a missing weight', remove('gen.conv_final.bias'), /gen\.conv_final\.bias is missing/],
    ['a missing gradient', remove('expect.grad.disc.final.bias'), /expect\.grad\.disc\.final\.bias is missing/],
    ['a missing state', remove('expect.after.gen.conv1.bias'), /expect\.after\.gen\.conv1\.bias is missing/],
    ['a missing curve', remove('expect.curve.disc'), /expect\.curve\.disc is missing/],
    ['a missing picture', remove('input.real'), /input\.real is missing/],
    [
      'a layer too many',
      ({ tensors }) => tensors.set('gen.conv2.bias', { dtype: 'F32', shape: [1], data: new Float32Array(1) }),
      /gen\.conv2\.bias has no counterpart/,
    ],
    [
      'an unknown tensor',
      ({ tensors }) => tensors.set('expect.fakes', { dtype: 'F32', shape: [1], data: new Float32Array(1) }),
      /knows no tensor expect\.fakes/,
    ],
    [
      'a weight in another type',
      ({ tensors }) => tensors.set('gen.conv_final.bias', { dtype: 'I32', shape: [3], data: new Int32Array(3) }),
      /gen\.conv_final\.bias is I32 \[3\], expected F32 \[3\]/,
    ],
    [
      'a counter of several values',
      ({ tensors }) => {
        const name = 'gen.expanding_layers.0.batchnorm.num_batches_tracked';
        tensors.set(name, { dtype: 'I64', shape: [2], data: new BigInt64Array(2) });
      },
      /num_batches_tracked is I64 \[2\], expected I64 with one value/,
    ],
  ];
  test.each(cases)('%s', async (_, spoil, message) => {
    const fixture = load(SMALLEST);
    spoil(fixture);
    await expect(run(fixture)).rejects.toThrow(message);
    await expect(run(fixture)).rejects.toThrow(/spoilt|\d × \d/);
  });
});

test('a counter may be [1], rates of Adam may be given, names unrelated to the model are ignored', async () => {
  const fixture = load(SMALLEST);
  for (const [name, tensor] of fixture.tensors) if (name.endsWith('num_batches_tracked')) tensor.shape = [1];
  for (const [name, tensor] of fixture.tensors) if (name.startsWith('expect.loss.')) tensor.shape = [];
  const config = { ...JSON.parse(fixture.metadata.config ?? ''), beta1: 0.9, beta2: 0.999, seed: 19, init: 'tutorial' };
  fixture.metadata.config = JSON.stringify(config);
  expect(failing(await run(fixture))).toEqual([]);
}, 120_000);

test('the command prints one line per group, and its exit status counts failures', {
  tags: 'long',
  timeout: 240_000,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pixtape-reference-'));
  try {
    const bytes = readFileSync(path(SMALLEST));
    const spoilt = load(SMALLEST);
    floats(spoilt, 'expect.fake')[0] = 2;
    const files = { cut: bytes.subarray(0, 100_000), text: Buffer.from('no safetensors at all'), wrong: undefined };
    writeFileSync(join(folder, 'cut'), files.cut);
    writeFileSync(join(folder, 'text'), files.text);
    writeFileSync(join(folder, 'wrong'), Buffer.concat(encodeSafetensors(spoilt.tensors, spoilt.metadata)));
    const command = (...args: string[]) =>
      spawnSync(process.execPath, [join(root, 'scripts', 'tools', 'reference.mjs'), ...args], { encoding: 'utf8' });

    const good = command(path(SMALLEST));
    expect(good.stdout.split('\n').filter((line) => /^ {2}\S+ +max \S+ +rel L2 \S+ +ok\b/.test(line))).toHaveLength(12);
    expect(good.status).toBe(0);

    const bad = command(...['cut', 'text', 'missing', 'wrong'].map((name) => join(folder, name)));
    expect(bad.status).toBe(1);
    for (const name of ['cut', 'text', 'missing']) {
      expect(bad.stdout).toMatch(new RegExp(`^FAIL .*${join(folder, name)}`, 'm'));
    }
    expect(bad.stdout).toMatch(/^ {2}fake .* FAIL$/m);
    expect(bad.stdout).toMatch(/^ {2}loss\.disc .* ok$/m);
    expect(command().status).toBe(2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
