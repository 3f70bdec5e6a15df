import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FOREIGN } from '../../../src/cli/flags/foreign.ts';
import { readArguments } from '../../../src/cli/flags/read_arguments.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { PixtapeError } from '../../../src/engine/util/errors.ts';

const program = createProgram();
const commandOf = (name: string) => program.commands.find((command) => command.name() === name);
const has = (command: string, flag: string) => commandOf(command)?.options.some(({ long }) => long === flag) ?? false;

/** How a command answers a flag: with our flags, or with a sentence. */
function treat(command: string, ...flag: string[]): string[] | string {
  try {
    return readArguments(program, [command, ...flag]).slice(1);
  } catch (error) {
    if (!(error instanceof PixtapeError)) throw error;
    return error.message;
  }
}

/**
 * Every flag of the other programs, with a value where it takes one: options/{base,train,test}_options.py and the models
 * of pytorch-CycleGAN-and-pix2pix as they are and as they were in 2017, and pix2pix.py of pix2pix-tensorflow.
 */
const PYTORCH = `
  dataroot=d name=n gpu_ids=-1 checkpoints_dir=c model=pix2pix model=test model=colorization input_nc=1 output_nc=3 ngf=64
  ndf=64 netG=unet_256 norm=batch norm=syncbatch init_type=normal init_type=xavier init_gain=0.02 init_gain=0.1 no_dropout
  dataset_mode=aligned direction=AtoB serial_batches num_threads=4 batch_size=1 load_size=286 crop_size=256
  max_dataset_size=inf preprocess=resize_and_crop no_flip display_winsize=256 epoch=latest epoch=5 load_iter=0 verbose
  suffix=s use_wandb wandb_project_name=w display_freq=400 display_ncols=4 display_id=1 display_server=s display_env=main
  display_port=8097 update_html_freq=1000 print_freq=100 no_html save_latest_freq=5000 save_epoch_freq=5 save_by_iter
  continue_train epoch_count=1 phase=train phase=test n_epochs=100 n_epochs_decay=100 beta1=0.5 lr=0.0002 gan_mode=lsgan
  gan_mode=wgangp pool_size=50 lr_policy=linear lr_policy=lambda lr_policy=step lr_policy=plateau lr_policy=cosine
  lr_decay_iters=50 lambda_A=10 lambda_B=10 lambda_identity=0.5 lambda_L1=100 results_dir=r aspect_ratio=1 eval num_test=50
  model_suffix=_A`;
const PYTORCH_2017 = `
  batchSize=1 loadSize=286 fineSize=256 niter=100 niter_decay=100 which_direction=AtoB which_model_netG=unet_256
  which_model_netD=basic which_epoch=latest no_lsgan use_dropout identity=0.5 ntest=50 how_many=50 nThreads=2
  resize_or_crop=resize_and_crop display_single_pane_ncols=0`;
const TENSORFLOW = `
  input_dir=d mode=train mode=test output_dir=o seed=1 checkpoint=c max_steps=10 max_epochs=200 summary_freq=100
  progress_freq=50 trace_freq=0 display_freq=100 save_freq=5000 separable_conv aspect_ratio=1 lab_colorization batch_size=1
  which_direction=AtoB ngf=64 ndf=64 scale_size=286 flip no_flip lr=0.0002 beta1=0.5 l1_weight=100 gan_weight=1
  gan_weight=0 gan_weight=2 output_filetype=png`;
const ALL = [PYTORCH, PYTORCH_2017, TENSORFLOW].flatMap((flags) => flags.trim().split(/\s+/));
const typed = (flag: string): string[] => {
  const [name, value] = flag.split('=');
  return value === undefined ? [`--${name}`] : [`--${name}`, value];
};

describe.each(['train', 'translate', 'eval'])('pixtape %s', (command) => {
  it.each(ALL)('takes or answers --%s', (flag) => {
    const treated = treat(command, ...typed(flag));
    const [name = ''] = typed(flag);
    if (typeof treated === 'string') {
      expect(treated).toMatch(new RegExp(`^pixtape ${command} has no ${name}\\n +→ .{6,}\\.$`));
      return;
    }
    for (const part of treated.filter((word) => word.startsWith('--'))) {
      expect(has(command, part.split('=')[0] as string), `${flag} became ${part}`).toBe(true);
    }
    // Written with = it means the same.
    const joined = treat(command, typed(flag).join('='));
    expect((joined as string[]).join(' ').replaceAll('=', ' ')).toBe(treated.join(' ').replaceAll('=', ' '));
  });
});

it.each<[string, string, string[]]>([
  ['train', 'niter=20', ['--n_epochs', '20']],
  ['train', 'no_lsgan', ['--gan_mode=vanilla']],
  ['train', 'max_epochs=3', ['--n_epochs', '3', '--n_epochs_decay=0']],
  ['train', 'init_type=kaiming', ['--init=he']],
  ['train', 'lr_policy=lambda', ['--lr_policy=linear']],
  ['train', 'mode=train', []],
  ['train', 'gan_weight=1', []],
  ['train', 'input_dir=d', ['--dataroot', 'd']],
  ['translate', 'output_filetype=jpeg', ['--format=jpg']],
])('%s --%s is %j', (command, flag, ours) => {
  expect(treat(command, ...typed(flag))).toEqual(ours);
});

it('answers all of them at once, and names the command that has a flag', () => {
  expect(treat('train', '--gpu_ids', '0', '--no-html', '--display_id', '0')).toMatch(
    /^pixtape train has no --gpu_ids, --no_html, --display_id\n +→ --gpu_ids: .*--adapter.*\n +--no_html: .*\n +--display_id: /,
  );
  expect(treat('translate', '--niter', '3')).toBe(
    'pixtape translate has no --niter\n  → It is --n_epochs of pixtape train.',
  );
  expect(treat('translate', '--mode', 'train')).toContain('Use the command: pixtape train, translate or export');
});

it('has only rows for flags that exist', () => {
  const commands = program.commands.map((command) => command.name());
  for (const [key, { as, instead, only }] of Object.entries(FOREIGN)) {
    expect(as ?? instead, key).toBeDefined();
    for (const ours of as ?? []) {
      const flag = `--${(ours.split('=')[0] as string).replace(/^no_/, 'no-')}`;
      expect(
        commands.some((command) => has(command, flag)),
        `${key}: ${flag}`,
      ).toBe(true);
    }
    for (const command of only ?? []) expect(commands).toContain(command);
  }
});

it('is shown by docs/from-pytorch.md', () => {
  const rows = Object.entries(FOREIGN).map(([key, { as, instead, only }]) => {
    const works = as?.length === 0 ? 'as it is here' : as?.map((ours) => `\`--${ours.replace('=', ' ')}\``).join(' ');
    const where = only ? `${only.join(', ')}: ` : '';
    return `| \`--${key.replace('=', ' ')}\` | ${where}${works ?? ''} | ${instead ?? ''} |`;
  });
  const docs = readFileSync(resolve(import.meta.dirname, '../../../docs/from-pytorch.md'), 'utf8');
  const shown = docs.split('\n').map((line) => line.replace(/ +\|/g, ' |').replace(/\| +/g, '| '));
  expect(rows.filter((row) => !shown.includes(row.replace(/ +\|/g, ' |').replace(/\| +/g, '| '))).join('\n')).toBe('');
});
