import { expect, it } from 'vitest';
import { givenFlags } from '../../../src/cli/flags/flags.ts';
import { readArguments } from '../../../src/cli/flags/read_arguments.ts';
import { freshGanConfig } from '../../../src/cli/gan/config.ts';
import { ganFlags } from '../../../src/cli/gan/flags.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { trainFlags } from '../../../src/cli/train/flags.ts';
import { draw, pattern, scratch } from '../../pix2pix/data/pictures.ts';

const at = scratch();
const program = createProgram();
const read = (...argv: string[]) => readArguments(program, argv);

it('accepts dashes for underscores, negations, values, and old names', () => {
  expect(read('train', '--batch-size=2', '--no-flip', '--no_dropout', '--lambda_L1', '-3')).toEqual([
    'train',
    '--batch_size=2',
    '--no-flip',
    '--no-dropout',
    '--lambda_L1',
    '-3',
  ]);
  expect(read('train', '--recompute', '--no-recompute', '--', '--recompute')).toEqual([
    'train',
    '--checkpoint_activations',
    '--no-checkpoint_activations',
    '--',
    '--recompute',
  ]);
});

it('leaves a value unchanged, even one that looks like a flag', () => {
  expect(read('train', '--name', '--my-run', '--data-root', '--batchSize')).toEqual([
    'train',
    '--name',
    '--my-run',
    '--data_root',
    '--batch_size',
  ]);
  const { name } = trainFlags()
    .parse(read('train', '--name', '--my-run', '--flip').slice(1), { from: 'user' })
    .opts();
  expect(name).toBe('--my-run');
  expect(read('train', '--name=--a-b', '--groups', 'a-b', '--open')).toEqual([
    'train',
    '--name=--a-b',
    '--groups',
    'a-b',
    '--open',
  ]);
});

it('accepts inf as no limit', () => {
  const flags = trainFlags().parse(['--max_dataset_size', 'inf', '--num_test', 'Infinity'], { from: 'user' }).opts();
  expect(flags).toMatchObject({ max_dataset_size: Number.POSITIVE_INFINITY, num_test: Number.POSITIVE_INFINITY });
});

it('names what the shell left unexpanded in a word', async () => {
  expect(() => read('train', '--dataroot', '~/facades')).toThrow(
    /"~\/facades" begins with ~, which the shell does not expand/,
  );
  expect(() => read('train', '--dataroot=~')).toThrow(/"~" begins with ~/);
  expect(() => read('translate', 'run', "'in.png'", 'out.png')).toThrow(/"'in.png'" has a stray quotation mark/);
  expect(() => read('translate', 'run', 'in.png', 'out dir"')).toThrow(/stray quotation mark/);
  expect(() => read('train', '--dataroot', '“facades”')).toThrow(/stray quotation mark/);
  expect(() => read('train', '--dataroot', '$HOME/facades')).toThrow(/begins with \$HOME, which the shell has not/);
  expect(() => read('train', '--dataroot', '%USERPROFILE%\\facades')).toThrow(/begins with %USERPROFILE%/);
  expect(() => read('train', '--dataroot', 'facades', '--continue_train\r')).toThrow(/ends in a carriage return/);
  // A file of that name is accepted. Not every such sign is a mistake.
  await draw(at("it's'.png"), 4, 4, pattern(1));
  expect(read('translate', 'run', at("it's'.png"), "don't.png", '--seed', '~5')).toHaveLength(6);
});

it('takes label smoothing by either name, but not by both', () => {
  const targetOf = (...argv: string[]) => {
    const command = ganFlags().parse(argv, { from: 'user' });
    return freshGanConfig(command.opts(), givenFlags(command, command.opts())).realTarget;
  };
  expect(targetOf()).toBe(1);
  expect(targetOf('--preset', 'quick')).toBe(0.9);
  expect(targetOf('--label_smoothing', '0.1')).toBe(0.9);
  expect(targetOf('--preset', 'quick', '--label_smoothing', '0')).toBe(1);
  expect(targetOf('--real_target', '0.8')).toBe(0.8);
  expect(() => targetOf('--real_target', '0.8', '--label_smoothing', '0.2')).toThrow(/mean the same/);
});
