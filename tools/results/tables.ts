import { makeEdges } from './sets/edges.ts';
import { makeFluent } from './sets/fluent.ts';

/** Scores of one run that the tables show; FCN and colours as `pixtape eval --fcn` measures them. */
export type Measure =
  | 'pixel'
  | 'perClass'
  | 'iou'
  | 'l1'
  | 'ssim'
  | 'saturation'
  | 'L'
  | 'a'
  | 'b'
  | 'copyL1'
  | 'copySsim';

export interface Row {
  title: string;
  /** Flags that this row adds to its table's. */
  flags: string;
  /** PyTorch trains the row instead of us, from the same weights and with the same batches. */
  engine?: 'pytorch';
  /** Makes the folder that `--dataroot` names, if it is not there; `pixtape` runs a command of dist/. */
  prepare?: (dataroot: string, pixtape: (args: readonly string[]) => Promise<unknown>) => Promise<void>;
  /** The paper's figures, under the same names. */
  paper?: Partial<Record<Measure, number>>;
}

export interface ResultTable {
  title: string;
  /** Flags of `pixtape train` that all rows share; `--seed` and `--name` are added. */
  train: string;
  /** Flags of `pixtape eval`. */
  evaluate: string;
  /** The columns, in order. */
  measures: readonly Measure[];
  /** The paper's figures for real pictures, shown in a last row. */
  real?: Partial<Record<Measure, number>>;
  rows: readonly Row[];
  /** Rows whose losses are drawn beside PyTorch's, and where to. */
  chart?: { file: string; rows: readonly string[] };
}

/**
 * Isola et al. 2017 scaled down: their networks and constants at `size` × `size`, with five times their learning rates
 * for a few epochs.
 */
const paper = (data: string, size: number, epochs: number) =>
  `${data} --preset paper --netG unet_${size} --crop_size ${size} --ngf 8 --ndf 8 --batch_size 4 --init he ` +
  `--lr 1e-3 --resize nearest --no-jitter --n_epochs ${epochs} --n_epochs_decay ${epochs}`;
const facades = (size: number, epochs: number) => paper('--data facades-toy', size, epochs);
const FCN = ['pixel', 'perClass', 'iou'] as const;
const fcn = (pixel: number, perClass: number, iou: number) => ({ pixel, perClass, iou });
const common = { train: facades(64, 3), evaluate: '--fcn' };

/** The tutorial's networks and constants in small, for a few epochs. */
const TUTORIAL = '--data facades-toy --preset tutorial --ngf 8 --depth 4 --crop_size 64 --n_epochs 6';

/** A row of ours and the same in PyTorch. */
const both = (title: string, flags: string): Row[] => [
  { title, flags },
  { title: `${title}, PyTorch`, flags, engine: 'pytorch' },
];
const LONGER = '--n_epochs 9 --n_epochs_decay 9';
const SIDE_BY_SIDE = ['l1', 'ssim', 'pixel', 'perClass', 'iou', 'L', 'a', 'b'] as const;

/** What `npm start` adds to the preset `quick`. */
const FIRST_RUN =
  '--n_epochs 0.25 --n_epochs_decay 1.5 --lr 0.003 --flip --lambda_ssim 0 --netG resize_unet_32 ' +
  '--netD pixel --ndf 8 --lr_D 0.002';
/** What it was until 29 November 2026. */
const FORMER_FIRST_RUN = '--n_epochs 0.5 --n_epochs_decay 0.5 --lambda_ssim 0 --netD pixel --ndf 16 --lr_D 0.002';
/** Its networks, for longer runs. */
const RESIZING = '--netG resize_unet_32 --lr 0.003 --flip --netD pixel --ndf 8 --lr_D 0.002';

/** Every table of docs/results.md that `npm run results` can reproduce. */
export const TABLES: Readonly<Record<string, ResultTable>> = {
  losses: {
    ...common,
    title: 'Losses',
    measures: FCN,
    real: fcn(0.8, 0.26, 0.21),
    rows: [
      { title: 'L1', flags: '--gan_mode none', paper: fcn(0.42, 0.15, 0.11) },
      { title: 'GAN', flags: '--no-condition_GAN --lambda_L1 0', paper: fcn(0.22, 0.05, 0.01) },
      { title: 'cGAN', flags: '--lambda_L1 0', paper: fcn(0.57, 0.22, 0.16) },
      { title: 'L1 + GAN', flags: '--no-condition_GAN', paper: fcn(0.64, 0.2, 0.15) },
      { title: 'L1 + cGAN', flags: '', paper: fcn(0.66, 0.23, 0.17) },
    ],
  },
  patches: {
    ...common,
    title: 'Patches of the discriminator, L1 + cGAN',
    measures: FCN,
    rows: [
      { title: '1 × 1', flags: '--netD pixel', paper: fcn(0.39, 0.15, 0.1) },
      { title: '16 × 16', flags: '--netD n_layers --n_layers_D 1', paper: fcn(0.65, 0.21, 0.17) },
      { title: '70 × 70', flags: '', paper: fcn(0.66, 0.23, 0.17) },
      { title: 'whole picture', flags: '--netD n_layers --n_layers_D 4', paper: fcn(0.42, 0.16, 0.11) },
    ],
  },
  generators: {
    ...common,
    title: 'Generators',
    measures: FCN,
    rows: [
      {
        title: 'encoder–decoder, L1',
        flags: '--netG encoder_decoder_64 --gan_mode none',
        paper: fcn(0.35, 0.12, 0.08),
      },
      { title: 'encoder–decoder, L1 + cGAN', flags: '--netG encoder_decoder_64', paper: fcn(0.29, 0.09, 0.05) },
      { title: 'U-Net, L1', flags: '--gan_mode none', paper: fcn(0.48, 0.18, 0.13) },
      { title: 'U-Net, L1 + cGAN', flags: '', paper: fcn(0.55, 0.2, 0.14) },
    ],
  },
  colours: {
    ...common,
    title: 'Colours',
    measures: ['L', 'a', 'b', 'saturation', 'l1', 'ssim'],
    rows: [
      { title: 'L1', flags: '--gan_mode none', paper: { L: 0.81, a: 0.69, b: 0.7 } },
      { title: 'cGAN', flags: '--lambda_L1 0', paper: { L: 0.87, a: 0.74, b: 0.84 } },
      { title: 'L1 + cGAN', flags: '', paper: { L: 0.86, a: 0.84, b: 0.82 } },
      { title: 'L1 + cGAN, 1 × 1', flags: '--netD pixel', paper: { L: 0.83, a: 0.68, b: 0.78 } },
    ],
  },
  pytorch: {
    ...common,
    title: "Beside PyTorch, the paper's networks",
    measures: SIDE_BY_SIDE,
    rows: [
      ...both('L1 + cGAN', ''),
      ...both('L1', '--gan_mode none'),
      ...both('GAN', '--no-condition_GAN --lambda_L1 0'),
      ...both('cGAN', '--lambda_L1 0'),
      ...both('L1 + GAN', '--no-condition_GAN'),
    ],
    chart: { file: '.github/pictures/pytorch-curves.svg', rows: ['L1 + cGAN'] },
  },
  longer: {
    ...common,
    title: 'Losses after three times the steps, trained in PyTorch',
    measures: FCN,
    rows: [
      { title: 'L1', flags: `--gan_mode none ${LONGER}`, engine: 'pytorch', paper: fcn(0.42, 0.15, 0.11) },
      {
        title: 'GAN',
        flags: `--no-condition_GAN --lambda_L1 0 ${LONGER}`,
        engine: 'pytorch',
        paper: fcn(0.22, 0.05, 0.01),
      },
      { title: 'cGAN', flags: `--lambda_L1 0 ${LONGER}`, engine: 'pytorch', paper: fcn(0.57, 0.22, 0.16) },
      { title: 'L1 + GAN', flags: `--no-condition_GAN ${LONGER}`, engine: 'pytorch', paper: fcn(0.64, 0.2, 0.15) },
    ],
  },
  large: {
    ...common,
    title: 'Facades at 128 × 128',
    train: facades(128, 12),
    measures: ['l1', 'ssim', ...FCN, 'L', 'a', 'b', 'saturation'],
    rows: [
      { title: 'L1 + cGAN', flags: '' },
      { title: 'L1', flags: '--gan_mode none' },
    ],
  },
  edges: {
    title: 'Outlines → photograph at 128 × 128',
    train: paper('--dataroot runs/results/edges', 128, 12),
    evaluate: '',
    measures: ['l1', 'ssim', 'L', 'a', 'b', 'saturation', 'copyL1', 'copySsim'],
    rows: [
      { title: 'L1 + cGAN', flags: '', prepare: makeEdges },
      { title: 'L1', flags: '--gan_mode none', prepare: makeEdges },
    ],
  },
  drawings: {
    title: 'Line drawing → colour, the longer run',
    train: '--data openmoji --preset quick --n_epochs 3 --n_epochs_decay 3',
    evaluate: '',
    measures: ['l1', 'ssim', 'saturation', 'a', 'copyL1', 'copySsim'],
    rows: [
      { title: 'discriminator of single pixels', flags: '--netD pixel --ndf 16 --lr_D 0.002' },
      { title: '… and four times the structural term', flags: '--netD pixel --ndf 16 --lr_D 0.002 --lambda_ssim 200' },
      { title: '… and no structural term', flags: '--netD pixel --ndf 16 --lr_D 0.002 --lambda_ssim 0' },
      { title: 'resize U-Net, twice the structural term', flags: `${RESIZING} --lambda_ssim 100` },
      { title: '… and no structural term', flags: `${RESIZING} --lambda_ssim 0` },
    ],
  },
  'pytorch-tutorial': {
    title: "Beside PyTorch, the tutorial's networks",
    train: TUTORIAL,
    evaluate: '--fcn',
    measures: SIDE_BY_SIDE,
    rows: both("the tutorial's", ''),
  },
  first: {
    title: 'What npm start learns',
    train: '--data openmoji --preset quick',
    evaluate: '',
    measures: ['l1', 'ssim', 'saturation', 'copyL1', 'copySsim'],
    rows: [
      { title: 'resize U-Net', flags: FIRST_RUN },
      { title: 'as it was', flags: FORMER_FIRST_RUN },
    ],
  },
  sets: {
    title: 'A set that nothing was tuned on',
    train: `--preset quick ${FIRST_RUN}`,
    evaluate: '',
    measures: ['l1', 'ssim', 'saturation', 'copyL1', 'copySsim'],
    rows: [{ title: 'Fluent Emoji', flags: '--dataroot runs/results/fluent', prepare: makeFluent }],
  },
};
