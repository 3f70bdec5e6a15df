import { version } from '../../../package.json';
import { openDevice } from '../../drivers/open_device.ts';
import { convolutionsOf, type Tuned } from '../../pix2pix/train/autotune/tune.ts';
import { TuningCache } from '../../pix2pix/train/autotune/tuning_cache.ts';
import { between } from '../flags/arguments.ts';
import { Command } from '../flags/commander.ts';
import { type FlagsOf, givenFlags } from '../flags/flags.ts';
import { freshConfig } from '../train/config.ts';
import { modelOptions, type TrainFlags } from '../train/flags.ts';
import { tuneTable } from './table.ts';
import { measure, trainingWork } from './tuning.ts';

const EXAMPLES = `
Examples:
  pixtape tune --preset quick                     the convolutions of a training step of quick
  pixtape tune --crop_size 128 --batch_size 1     those of the model that train trains with the same flags
  pixtape tune --preset quick --force             once more, though they are known

Every way of computing each convolution is compiled, checked against the default's result, and timed in turns with the
others. The fastest is kept for this adapter, driver and version of the shaders, and taken by later runs, where it saves at
least 5 % of the default's time. A run keeps the kernels that it began with: --continue_train repeats bit for bit.`;

type TuneFlags = FlagsOf<typeof tuneFlags> & Pick<TrainFlags, 'preset' | 'adapter'>;

function tuneFlags() {
  return new Command('tune')
    .description('Measure on this device which kernels compute a model fastest, and store the result for later runs.')
    .option('--force', 'measure again what has been measured')
    .option('--minutes <m>', 'start no further measurement after m minutes', between(0, Number.POSITIVE_INFINITY), 10)
    .option('--json', 'print what was measured as JSON')
    .allowExcessArguments(false);
}

export function tuneCommand() {
  const command = tuneFlags();
  for (const option of modelOptions()) command.addOption(option);
  return command
    .addHelpText('after', EXAMPLES)
    .action((flags, self) => tune(flags as TuneFlags, givenFlags(self, flags)));
}

async function tune(flags: TuneFlags, given: Partial<TrainFlags>): Promise<void> {
  const config = freshConfig(flags, given);
  const device = await openDevice(flags.adapter);
  const warn = (line: string) => console.warn(`warning: ${line}`);
  try {
    const say = (line: string) => (flags.json ? console.error(line) : console.log(line));
    say(`adapter  ${device.description}`);
    const cache = new TuningCache(device.description, version);
    const before = await cache.read(warn);
    const work = trainingWork(device, config);
    await work.checkMemory();
    const known = new Map(flags.force ? [] : [...before].map(([key, { chosen }]) => [key, chosen] as const));
    const fresh = await measure(device, work, cache, { known, seconds: 60 * flags.minutes }, say);
    const all = await convolutionsOf(device, work.build);
    const measured = new Map([...before, ...fresh.map((t) => [t.key, t] as const)]);
    const tuned = all.flatMap((convolution): Tuned[] => {
      const result = measured.get(convolution.key);
      return result ? [{ ...convolution, ...result }] : [];
    });
    if (flags.json) return void process.stdout.write(`${JSON.stringify(tuned, null, 1)}\n`);
    say(tuneTable(tuned));
    const missing = all.length - tuned.length;
    if (missing > 0) say(`\n${missing} convolutions are not measured yet, for lack of time: run it again to go on`);
  } finally {
    device.destroy();
  }
}
