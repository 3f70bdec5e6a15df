import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { encodeSafetensors } from '../../src/engine/util/safetensors.ts';
import { temporaryFolders } from '../pix2pix/train/tiny.ts';
import { build, pixtape, TINY, writePairs, writePng } from './command.ts';

/** User mistakes: each gets one clear sentence and a hint, and no stack trace. */
const folder = temporaryFolders();
let home: string;
beforeAll(async () => {
  build();
  home = folder();
  writePairs(join(home, 'pairs'), 6);
  mkdirSync(join(home, 'empty'));
  writePairs(join(home, 'odd'), 3);
  writePng(join(home, 'odd', 'wide.png'), 33, 16);
  writePairs(join(home, 'torn'), 3);
  truncateSync(join(home, 'torn', 'pair1.png'), 90);
  const { code, stderr } = await pixtape(train('good', '--steps', '2'), home);
  expect(stderr).not.toContain('pixtape:');
  expect(code).toBe(0);
  // A run is held by whoever goes on with it: each of these cases has its own.
  for (const name of ['done', 'wider', 'turned']) {
    cpSync(join(home, 'runs', 'good'), join(home, 'runs', name), { recursive: true });
  }
  for (const name of ['short', 'foreign']) mkdirSync(join(home, 'runs', name));
  const latest = (name: string) => join(home, 'runs', name, 'latest.safetensors');
  copyFileSync(latest('good'), latest('short'));
  truncateSync(latest('short'), 20_000);
  // The last bytes of the file are a weight. All ones are NaN.
  mkdirSync(join(home, 'runs', 'spoilt'));
  writeFileSync(
    latest('spoilt'),
    Buffer.concat([readFileSync(latest('good')).subarray(0, -400), Buffer.alloc(400, 255)]),
  );
  writeFileSync(latest('foreign'), Buffer.concat(encodeSafetensors(new Map(), { format: 'pt' })));
}, 120_000);

const train = (name: string, ...more: string[]) => ['train', '--dataroot', 'pairs', '--name', name, ...TINY, ...more];
const resume = (name: string, ...more: string[]) => ['train', '--continue_train', '--name', name, ...more];
const on = (data: string, ...more: string[]) => ['train', '--dataroot', data, ...TINY, '--steps', '1', ...more];
const plain = (...more: string[]) => ['train', '--dataroot', 'pairs', '--steps', '1', ...more];

const NAN =
  /spoilt.latest\.safetensors: \S+\[\d+\] is NaN, so that it can neither paint nor go on training\n.*an earlier checkpoint/;

const cases: [string, string[], RegExp][] = [
  ['no data', ['train'], /no data: train needs --dataroot DIR\n.*--data openmoji/],
  ['a folder that is not there', on('nowhere'), /there is no folder .*nowhere/],
  ['an empty folder', on('empty'), /there is no picture in .*empty \(it is empty\)/],
  ['an odd width', on('odd'), /wide\.png is 33 pixels wide, an odd number.*\n.*--skip_bad/],
  ['a truncated picture', on('torn'), /pair1\.png is cut short or damaged/],
  ['sides that cannot be halved', plain('--crop_size', '40'), /40 × 40 does not fit.*multiples of 64\n.*: 64/],
  ['pictures too small for the PatchGAN', plain('--crop_size', '8', '--depth', '2'), /sides must be at least 16/],
  ['no size', plain('--crop_size', 'big'), /'big' is invalid.*a side like 256/],
  ['an unknown flag', plain('--batchsize', '4'), /unknown option '--batchsize'\n.*Did you mean --batch_size/],
  ["a flag of pix2pix's", plain('--gpu_ids', '0'), /pixtape train has no --gpu_ids\n.*--adapter/],
  ['a flag of another policy', plain('--lr_decay_iters', '5'), /--lr_decay_iters 5 is for --lr_policy step/],
  ['a flag of another model', plain('--pool_size', '9'), /--pool_size is for --model cycle_gan/],
  ['an epoch to begin with', plain('--epoch', '3'), /--epoch 3 goes back in a run.*\n.*--continue_train/],
  ['a home that the shell left', ['train', '--dataroot', '~/pairs'], /"~\/pairs" begins with ~.*\n.*Write \//],
  ['an empty batch', plain('--batch_size', '0'), /Expected a whole number of at least 1/],
  ['a negative rate', plain('--lr', '-1'), /Expected a number above 0/],
  ['an unknown set', ['train', '--data', 'cats'], /Allowed choices are folder, openmoji/],
  [
    'an unknown group',
    ['train', '--data', 'openmoji', '--groups', 'cats'],
    /no group or subgroup "cats"[\s\S]*animals/,
  ],
  ['an unknown adapter', [...on('pairs'), '--adapter', 'abacus'], /adapter.*"abacus"/],
  ['a name that is none', train('a/b'), /--name "a\/b" cannot be a folder's name/],
  ['a run that is there already', train('good'), /good already holds a checkpoint.*\n.*--continue_train/],
  ['a run that is not there', resume('none'), /there is no .*none.*latest\.safetensors\n.*good/],
  ['a run without a name', ['train', '--continue_train'], /which run\? Name it with --name\n.*good/],
  ['a run that is done', resume('done', '--steps', '2'), /has already done 2 of 2 steps/],
  ['another width on going on', resume('wider', '--ngf', '4'), /--ngf 4: the run .* has 2\n.*Leave --ngf out/],
  ['another direction on going on', resume('turned', '--direction', 'AtoB'), /--direction AtoB: the run .* has BtoA/],
  ['a checkpoint cut short', resume('short'), /short.*latest\.safetensors is cut short: 20000 bytes of/],
  ['NaN on going on', resume('spoilt', '--steps', '4'), NAN],
  ['NaN where it should paint', ['translate', 'spoilt', 'pairs', 'painted', '--side', 'left'], NAN],
  ['NaN to export', ['export', 'spoilt', 'spoilt.safetensors'], NAN],
  ['NaN to export as ONNX', ['export', 'spoilt', 'spoilt.onnx', '--onnx'], NAN],
  ['NaN to measure', ['eval', 'spoilt'], NAN],
  ["somebody else's safetensors", resume('foreign'), /is a safetensors file, but no pixtape checkpoint/],
  ['a load size without a crop size that fits', plain('--load_size', '300'), /enlarged by 286\/256.*\n.*286x286/],
  ['steps after the last rate', plain('--n_epochs', '1', '--n_epochs_decay', '1', '--steps', '99'), /--steps 99 goes/],
  [
    'a model larger than the memory',
    plain('--preset', 'tutorial', '--ngf', '2048'),
    /not enough memory: training this model takes more than \d.*free for .*\n.*Nothing was allocated\. Reduce --ngf \(2048 now\).*--ngf \d+ would take/,
  ],
  ['a command that is none', ['paint'], /unknown command 'paint'/],
  ['an argument too many', ['train', 'pairs'], /too many arguments/],
];

it.concurrent.each(cases)('%s', { tags: 'long', timeout: 120_000 }, async (_, args, message) => {
  const before = readFileSync(join(home, 'runs', 'good', 'latest.safetensors'));
  const { code, stderr } = await pixtape(args, home);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^\s+at .*\.js:\d+/m);
  expect(code).toBe(1);
  expect(readFileSync(join(home, 'runs', 'good', 'latest.safetensors')).equals(before)).toBe(true);
  // Another case may use the folder itself at this moment.
  expect(existsSync(join(home, 'runs', 'pairs-tutorial', 'log.jsonl'))).toBe(false);
});

it('leaves no folder of a run that did not begin', () => {
  expect(existsSync(join(home, 'runs', 'pairs-tutorial'))).toBe(false);
});

it('continues without bad files if asked to, and names each', async () => {
  const { code, stderr, stdout } = await pixtape([...on('odd', '--skip_bad', '--name', 'skipped')], home);
  expect(stderr).toMatch(/warning: .*wide\.png is 33 pixels wide.*left out \(--skip_bad\)/);
  expect(code).toBe(0);
  expect(stdout).toContain('done after step 1');
  // The tutorial's norm, which serves two places, needs each picture's own statistics, and gets them by default.
  expect(stdout).toMatch(/^samples +each picture's own statistics, no dropout/m);
  expect(stdout).toMatch(/try it +npx pixtape translate \S+ IN OUT$/m);
});

it('takes flags with dashes as with underscores', { tags: 'long' }, async () => {
  const flags =
    '--crop-size 16 --depth 2 --ngf 2 --ndf 2 --batch-size 2 --lambda-L1 10 --no-flip --no_dropout --steps 1';
  const { code, stdout } = await pixtape(
    ['train', '--dataroot', 'pairs', '--name', 'dashes', ...flags.split(' ')],
    home,
  );
  expect(code).toBe(0);
  expect(stdout).toContain('generator U-Net 2/2');
});
