import { version } from '../../../package.json';
import { openDevice } from '../../drivers/open_device.ts';
import type { Profile } from '../../engine/gpu/profile.ts';
import { convTuning } from '../../engine/ops/conv/tuning/tuning.ts';
import { RandomStream } from '../../engine/util/random.ts';
import { writeFileAtomic } from '../../files/files.ts';
import { choicesOf, TuningCache } from '../../pix2pix/train/autotune/tuning_cache.ts';
import { Pix2Pix } from '../../pix2pix/train/steps/pix2pix.ts';
import { Command } from '../flags/commander.ts';
import { type FlagsOf, givenFlags } from '../flags/flags.ts';
import { checkTrainingMemory } from '../run/memory.ts';
import { freshConfig } from '../train/config.ts';
import { type TrainFlags, trainFlags } from '../train/flags.ts';
import { profileTable } from './table.ts';
import { traceOf } from './trace.ts';

const EXAMPLES = `
Examples:
  pixtape profile --preset quick                      the kernels of a training step of quick, the most costly first
  pixtape profile --preset tutorial --trace step.json and every dispatch, for chrome://tracing or ui.perfetto.dev

Times are the GPU's own where the adapter has timestamps (timestamp-query in pixtape doctor). Elsewhere every dispatch is
submitted and waited for by itself, and the wait is part of each figure. Pictures are noise: what they show does not matter.`;

/** Steps that are profiled; the fastest is shown. */
const STEPS = 3;
const CLOCKS = {
  gpu: 'the GPU’s own timestamps',
  host: 'this adapter has no timestamps: each dispatch was waited for, and the wait counts',
};

type ProfileFlags = FlagsOf<typeof profileFlags> & Pick<TrainFlags, 'preset' | 'adapter'>;

function profileFlags() {
  return new Command('profile')
    .description('Show where the time of a training step goes, kernel by kernel.')
    .option('--trace <file>', 'write every dispatch as a trace that chrome://tracing and ui.perfetto.dev open')
    .allowExcessArguments(false);
}

/** Adds the options of `train` that choose the model. */
export function profileCommand() {
  const command = profileFlags();
  for (const option of trainFlags().options) {
    const { long, helpGroupHeading: group } = option;
    if (group === 'Model:' || long === '--adapter') command.addOption(option);
  }
  return command
    .addHelpText('after', EXAMPLES)
    .action((flags, self) => profile(flags as ProfileFlags, givenFlags(self, flags as ProfileFlags)));
}

async function profile(flags: ProfileFlags, given: Partial<TrainFlags>): Promise<void> {
  const config = freshConfig(flags, given);
  const device = await openDevice(flags.adapter);
  try {
    console.log(`adapter  ${device.description}`);
    await checkTrainingMemory(device, config);
    const cache = new TuningCache(device.description, version);
    convTuning(device).table = choicesOf(await cache.read((line) => console.warn(`warning: ${line}`)));
    const model = new Pix2Pix(device, config);
    const { program } = await model.prepare();
    const random = new RandomStream(1);
    const noise = (n: number) => Float32Array.from({ length: n }, () => random.uniform());
    // Drivers finish compiling in the first step.
    model.train({ real: noise(model.real.size), condition: noise(model.condition.size) }, 0);
    await device.check();
    const profiles: Profile[] = [];
    for (let step = 0; step < STEPS; step++) profiles.push(await program.profile());
    const best = profiles.reduce((a, b) => (total(b) < total(a) ? b : a));
    console.log(`clock    ${CLOCKS[best.clock]}\n\n${profileTable(best)}`);
    if (flags.trace !== undefined) {
      await writeFileAtomic(flags.trace, traceOf(best, device.description));
      console.log(`\ntrace    ${flags.trace}: open it in chrome://tracing or ui.perfetto.dev`);
    }
  } finally {
    device.destroy();
  }
}

const total = ({ dispatches }: Profile): number => dispatches.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
