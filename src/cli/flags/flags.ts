import { type CommandUnknownOpts, Option } from './commander.ts';

/** The options that a function declares on a command, as its action receives them. */
export type FlagsOf<Declare extends (...args: never[]) => { opts(): unknown }> = ReturnType<
  ReturnType<Declare>['opts']
>;

/** Only the flags that the user typed, which may override a continued run. */
export function givenFlags<F extends object>(command: CommandUnknownOpts, flags: F): Partial<F> {
  const typed = Object.entries(flags).filter(([name]) => command.getOptionValueSource(name) === 'cli');
  return Object.fromEntries(typed) as Partial<F>;
}

/** An option that takes one of `choices`. */
export const choice = <const Flag extends string, const Choices extends readonly string[]>(
  flag: Flag,
  text: string,
  choices: Choices,
) => new Option(flag, text).choices(choices);

export const adapterOption = () =>
  new Option('--adapter <name>', 'auto, gpu, lavapipe, swiftshader, or part of a name; see pixtape doctor').default(
    'auto',
  );

/** Whether a process trains with others: as its launcher says, always, or never. */
export const DISTRIBUTED = ['auto', 'mpi', 'none'] as const;
export type Distributed = (typeof DISTRIBUTED)[number];

/** The type in which gradients are sent between processes. */
export const GRAD_COMPRESSIONS = ['none', 'f16'] as const;
export type GradCompression = (typeof GRAD_COMPRESSIONS)[number];

/** The help of an argument that names a checkpoint. */
export const CHECKPOINT_HELP = 'a checkpoint, the folder of a run, or the name of one';

/** The folder in which runs are found by name. */
export const runsOption = () => new Option('--checkpoints_dir <dir>', 'where runs are, for a name').default('runs');
