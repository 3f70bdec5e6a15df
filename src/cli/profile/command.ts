import { version } from '../../../package.json';
import { openDevice } from '../../drivers/open_device.ts';
import type { Profile } from '../../engine/gpu/profile.ts';
import { convTuning } from '../../engine/ops/conv/tuning/tuning.ts';
import { RandomStream } from '../../engine/util/random.ts';
import { writeFileAtomic } from '../../files/files.ts';
import { choicesOf, TuningCache } from '../../pix2pix/train/autotune/tuning_cache.ts';
import { Pix2Pix, partOfBatch } from '../../pix2pix/train/steps/pix2pix.ts';
import { Command } from '../flags/commander.ts';
import { type FlagsOf, givenFlags } from '../flags/flags.ts';
import { checkTrainingMemory } from '../run/memory.ts';
import { type Ranks, withRanks } from '../run/ranks.ts';
import { freshConfig } from '../train/config.ts';
import { modelOptions, type TrainFlags } from '../train/flags.ts';
import { costOf, costTable } from './ranks.ts';
import { profileTable } from './table.ts';
import { traceOf } from './trace.ts';

const EXAMPLES = `
Examples:
  pixtape profile --preset quick                      the kernels of a training step of quick, the most costly first
  pixtape profile --preset tutorial --trace step.json and every dispatch, for chrome://tracing or ui.perfetto.dev

Under mpirun or srun: what the ranks' meetings cost each of them, a step, and how much of it is hidden behind computing.

Times are the GPU's own where the adapter has timestamps (timestamp-query in pixtape doctor). Elsewhere every dispatch is
submitted and waited for by itself, and the wait is part of each figure. Pictures are noise: what they show does not matter.`;

/** Steps that are profiled; the fastest is shown. */
const STEPS = 3;
/** As many are averaged where ranks meet, which take longer at one time than at another. */
const MEETING_STEPS = 10;
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

export function profileCommand() {
  const command = profileFlags();
  for (const option of modelOptions()) command.addOption(option);
  return command
    .addHelpText('after', EXAMPLES)
    .action((flags, self) => profile(flags as ProfileFlags, givenFlags(self, flags as ProfileFlags)));
}

async function profile(flags: ProfileFlags, given: Partial<TrainFlags>): Promise<void> {
  await withRanks('auto', (ranks) => profileStep(flags, given, ranks));
}

async function profileStep(flags: ProfileFlags, given: Partial<TrainFlags>, ranks: Ranks | undefined): Promise<void> {
  const count = ranks?.group.count;
  const config = freshConfig(flags, given, count);
  ranks?.chooseGpu();
  const device = await openDevice(flags.adapter);
  try {
    console.log(`adapter  ${device.description}`);
    ranks?.watch(device);
    await ranks?.introduce(device, config.batch);
    await checkTrainingMemory(device, { ...config, batch: partOfBatch(config.batch, count) });
    const cache = new TuningCache(device.description, version);
    convTuning(device).table = choicesOf(await cache.read((line) => console.warn(`warning: ${line}`)));
    const model = new Pix2Pix(device, config, { ranks: ranks?.group });
    const { program } = await model.prepare();
    const random = new RandomStream(1);
    const noise = (n: number) => Float32Array.from({ length: n }, () => random.uniform());
    const batch = { real: noise(model.real.size), condition: noise(model.condition.size) };
    const step = async () => {
      await model.train(batch, 0);
      await device.check();
    };
    // Drivers finish compiling in the first step.
    await step();
    if (ranks) return await profileMeetings(ranks, step);
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

/** Prints for each rank where the time of its meetings goes. */
async function profileMeetings(ranks: Ranks, step: () => Promise<void>): Promise<void> {
  await step();
  const [before, start] = [costOf(ranks), performance.now()];
  for (let i = 0; i < MEETING_STEPS; i++) await step();
  const seconds = (performance.now() - start) / 1000 / MEETING_STEPS;
  const table = costTable(before, costOf(ranks), MEETING_STEPS, seconds);
  for (const text of await ranks.named(`means of ${MEETING_STEPS} steps\n${table}`)) console.log(`\n${text}`);
  console.log('\nFor the kernels of a step, start it by itself.');
}

const total = ({ dispatches }: Profile): number => dispatches.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
