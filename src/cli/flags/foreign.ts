/** The answer to a flag that a command does not have. */
export interface Answer {
  /**
   * The same in our flags. `n_epochs` takes the given value, `gan_mode=vanilla` brings its own, and an empty list means
   * that this is already the behaviour.
   */
  as?: readonly string[];
  /** What to do instead, if there is no equivalent. */
  instead?: string;
  /** Applies only to these commands; by default to all. */
  only?: readonly string[];
}

const REPORT = "The pictures and curves are in the run's report.html: leave it out.";
const RESULTS = 'In translate CHECKPOINT IN OUT, OUT is the folder for the results.';
const KNOWN = 'The checkpoint knows it: leave it out.';
const SIZES = 'Pictures are resized to --crop_size; --load_size or --jitter enlarges them first and crops at random.';
const CHECKPOINT = 'Checkpoints are files: name the one to use, e.g. runs/NAME/epoch-100.safetensors.';
const PAINTERS = ['translate', 'eval', 'export'];

/**
 * The flags of pytorch-CycleGAN-and-pix2pix, including its names of 2017, and of affinelayer's pix2pix-tensorflow, that
 * have another name here or none. `flag=value` answers one value of a flag. docs/from-pytorch.md shows this table.
 */
export const FOREIGN: Readonly<Record<string, Answer>> = {
  // pytorch-CycleGAN-and-pix2pix, options/*.py and models/*.py
  gpu_ids: { instead: 'The GPU is found automatically; --adapter selects one.' },
  'model=test': { instead: 'pixtape translate CHECKPOINT IN OUT paints with one generator.' },
  'model=colorization': {
    instead: 'pixtape data gray PICTURES PAIRS makes pairs, from which pix2pix learns to colour.',
  },
  'init_type=normal': { as: ['init=paper'] },
  'init_type=kaiming': { as: ['init=he'] },
  init_type: { instead: '--init paper (its normal), --init he (its kaiming) or --init tutorial.' },
  'init_gain=0.02': { as: [] },
  init_gain: {
    instead: 'Initial weights have a deviation of 0.02, the default there; --init he scales by the size of each layer.',
  },
  'gan_mode=wgangp': { instead: '--gan_mode vanilla or lsgan; examples/ has a WGAN-GP to start from.' },
  'norm=syncbatch': { as: ['norm=batch'] },
  'lr_policy=lambda': { as: ['lr_policy=linear'] },
  dataset_mode: { instead: 'Side-by-side pairs and A/ B/ folders are detected automatically: leave it out.' },
  num_threads: { instead: 'Pictures are decoded in parallel with training: leave it out.' },
  preprocess: { instead: SIZES },
  'phase=train': { as: [], only: ['train'] },
  phase: { instead: 'train uses train/ and measures on test/ (or val/); translate takes any folder.' },
  epoch: { instead: CHECKPOINT },
  load_iter: { instead: CHECKPOINT },
  epoch_count: { instead: '--continue_train knows the epoch: leave it out.' },
  suffix: { instead: '--name is the whole name of the run.' },
  verbose: { instead: 'The networks and their sizes are always printed: leave it out.' },
  display_winsize: { instead: REPORT },
  display_ncols: { instead: REPORT },
  display_id: { instead: REPORT },
  display_server: { instead: REPORT },
  display_env: { instead: REPORT },
  display_port: { instead: REPORT },
  update_html_freq: { instead: '--display_freq also writes report.html.' },
  no_html: {
    instead: 'report.html is one file, written with the samples; a larger --display_freq writes it less often.',
  },
  use_wandb: { instead: "The curves are in the run's report.html and log.jsonl: leave it out." },
  wandb_project_name: { instead: "The curves are in the run's report.html and log.jsonl: leave it out." },
  results_dir: { instead: RESULTS },
  aspect_ratio: { instead: '--crop_size WIDTHxHEIGHT sets both sides, e.g. --crop_size 320x256.' },
  eval: { instead: 'translate and eval have it; without it they use evaluation mode wherever that is right.' },
  model_suffix: { instead: '--network G_A or G_B selects a generator of a CycleGAN.' },
  // Further flags of test.py
  dataroot: {
    only: PAINTERS,
    instead: 'IN is a picture or a folder of pictures: pixtape translate CHECKPOINT IN OUT.',
  },
  name: { only: PAINTERS, instead: 'CHECKPOINT may be the name of a run: pixtape translate NAME IN OUT.' },
  direction: {
    only: PAINTERS,
    instead: 'The checkpoint knows it; --side left or right takes that half of side-by-side pairs.',
  },
  num_test: { only: PAINTERS, instead: 'Every picture of IN is painted; pixtape eval has --num_test.' },
  max_dataset_size: { only: PAINTERS, instead: 'Every picture of IN is painted; pixtape eval has --num_test.' },
  batch_size: { only: PAINTERS, instead: 'Pictures are painted one by one: leave it out.' },
  serial_batches: { only: PAINTERS, instead: 'Pictures are painted in the order of their names: leave it out.' },
  load_size: { only: PAINTERS, instead: 'Pictures keep their size, or get that of --crop_size.' },
  no_flip: { only: PAINTERS, instead: 'Only train mirrors pictures: leave it out.' },
  no_dropout: { only: PAINTERS, instead: 'Dropout is off without --dropout: leave it out.' },
  model: { only: PAINTERS, instead: KNOWN },
  input_nc: { only: PAINTERS, instead: KNOWN },
  output_nc: { only: PAINTERS, instead: KNOWN },
  ngf: { only: PAINTERS, instead: KNOWN },
  ndf: { only: PAINTERS, instead: KNOWN },
  netG: { only: PAINTERS, instead: KNOWN },
  netD: { only: PAINTERS, instead: KNOWN },
  n_layers_D: { only: PAINTERS, instead: KNOWN },
  norm: { only: PAINTERS, instead: KNOWN },
  // The same code in 2017
  batchSize: { as: ['batch_size'] },
  loadSize: { as: ['load_size'] },
  fineSize: { as: ['crop_size'] },
  niter: { as: ['n_epochs'] },
  niter_decay: { as: ['n_epochs_decay'] },
  which_direction: { as: ['direction'] },
  which_model_netG: { as: ['netG'] },
  which_model_netD: { as: ['netD'] },
  which_epoch: { as: ['epoch'], instead: CHECKPOINT },
  no_lsgan: { as: ['gan_mode=vanilla'] },
  use_dropout: { as: ['dropout'] },
  identity: { as: ['lambda_identity'] },
  ntest: { as: ['num_test'] },
  how_many: { as: ['num_test'] },
  nThreads: { instead: 'Pictures are decoded in parallel with training: leave it out.' },
  resize_or_crop: { instead: SIZES },
  display_single_pane_ncols: { instead: REPORT },
  // datasets/combine_A_and_B.py
  fold_A: { instead: 'pixtape data combine A B OUT takes the folders as arguments.' },
  fold_B: { instead: 'pixtape data combine A B OUT takes the folders as arguments.' },
  fold_AB: { instead: 'pixtape data combine A B OUT takes the folders as arguments.' },
  num_imgs: { instead: 'All pictures are combined; train --max_dataset_size uses fewer.' },
  use_AB: { instead: 'Names are matched automatically; data check reports mismatches.' },
  no_multiprocessing: { instead: 'Pictures are combined in one process: leave it out.' },
  // affinelayer's pix2pix.py
  'mode=train': { as: [], only: ['train'] },
  mode: { instead: 'Use the command: pixtape train, translate or export.' },
  input_dir: { as: ['dataroot'], instead: 'Folders are arguments without a flag: see --help.' },
  output_dir: { instead: 'train takes --checkpoints_dir and --name; translate CHECKPOINT IN OUT takes OUT.' },
  checkpoint: {
    instead: 'train continues with --continue_train --name NAME; translate CHECKPOINT IN OUT takes it first.',
  },
  max_steps: { as: ['steps'] },
  max_epochs: { as: ['n_epochs', 'n_epochs_decay=0'] },
  summary_freq: { instead: 'log.jsonl has a line for every step: leave it out.' },
  progress_freq: { as: ['print_freq'] },
  trace_freq: { instead: 'pixtape profile measures the kernels of a step.' },
  save_freq: { as: ['save_latest_freq'] },
  separable_conv: { instead: 'Generators have plain convolutions; a smaller --ngf makes them cheaper.' },
  lab_colorization: { instead: 'pixtape data gray PICTURES PAIRS makes pairs of grey and colour, in RGB.' },
  scale_size: { as: ['load_size'] },
  l1_weight: { as: ['lambda_L1'] },
  'gan_weight=1': { as: [] },
  'gan_weight=1.0': { as: [] },
  'gan_weight=0': { as: ['gan_mode=none'] },
  gan_weight: { instead: 'The adversarial term has weight 1: divide --lambda_L1 by it instead.' },
  'output_filetype=png': { as: ['format=png'], instead: 'The extension of OUT sets the format.' },
  'output_filetype=jpeg': { as: ['format=jpg'], instead: 'The extension of OUT sets the format.' },
  // affinelayer's tools/process.py and export-checkpoint.py
  operation: { instead: 'Use the commands pixtape data gray, data edges or data combine.' },
  workers: { instead: 'Pictures are decoded in parallel: leave it out.' },
  pad: { instead: '--fit pad, with --crop_size.' },
  size: { instead: '--crop_size.' },
  b_dir: { instead: 'pixtape data combine A B OUT takes the folders as arguments.' },
  output_file: { instead: 'pixtape export CHECKPOINT FILE takes the file as an argument.' },
  // Older names of our own flags
  recompute: { as: ['checkpoint_activations'] },
  no_recompute: { as: ['no_checkpoint_activations'] },
};
