import type { Description } from '../../distributed/agree.ts';
import { adviseHere } from '../../drivers/index.ts';
import { openDevice } from '../../drivers/open_device.ts';
import type { Device } from '../../engine/gpu/device.ts';
import type { Recorded } from '../../engine/tape/record.ts';
import { formatBytes } from '../../engine/util/format.ts';
import type { RunRecord } from '../../pix2pix/train/checkpoint/run_record.ts';
import { inPhase, timeSpent } from '../../pix2pix/train/loop/phases.ts';
import { Progress } from '../../pix2pix/train/loop/progress.ts';
import type { LoopOptions, LoopResult } from '../../pix2pix/train/loop/task.ts';
import type { MemoryEstimate } from '../../pix2pix/train/memory/estimate.ts';
import { chooseTuning } from '../tune/tuning.ts';
import type { RunFolder } from './folder.ts';
import { watchInterrupt } from './interrupt.ts';
import { withinMemory } from './memory.ts';
import type { Ranks } from './ranks.ts';
import { checkStepsLeft, compile, longRun, printEnding, timeLine, warnOfChanges } from './text.ts';

/** A run longer than this is announced at the start. */
const LONG_SECONDS = 6 * 60;

/**
 * Launchers pass this signal on to all ranks, while Ctrl-C ends them before they can save. Slurm can send it before
 * time is up.
 */
const SAVE_SIGNAL = 'SIGUSR2';

/** The flags that `train` and `gan` share. */
interface Flags {
  checkpoints_dir: string;
  minutes?: number;
  adapter: string;
  print_freq: number;
  display_freq?: number;
  save_latest_freq?: number;
  save_epoch_freq: number;
  save_by_iter?: true;
  open?: true;
  tune?: boolean;
}

/** A run of `train` or `gan` whose pictures have been opened. */
export interface Run<Model, Result extends LoopResult> {
  command: 'train' | 'gan';
  at: RunFolder;
  flags: Flags;
  /** The checkpoint that it continues from. */
  before: { step: number; run: Record<string, unknown> } | undefined;
  record: RunRecord<unknown>;
  /** How many pairs or pictures there are to train with, and their name. */
  pairs: number;
  pairsName: string;
  /** The last step, and the flags that ask for a later one. */
  steps: number;
  stepsFlags: string;
  /** Default steps between sample grids and between checkpoints. */
  intervals: { sample: number; save: number };
  credits: string | undefined;
  /** The ranks of the run, and what they must have in common. */
  ranks?: Ranks | undefined;
  description?: Description;
  /** Pictures in a step, over all ranks. */
  batch?: number;
  /** Records the training step on a dry-run device, to find the convolutions in it. */
  build(dry: Device): Promise<unknown>;
  /** @throws PixtapeError if the device lacks the memory, with the flags to turn down */
  checkMemory(device: Device): Promise<MemoryEstimate>;
  /** Opens the model with fresh weights, or with the checkpoint's. */
  open(device: Device): Promise<Model>;
  describe(model: Model): string;
  prepare(model: Model, onCompiled: (done: number, total: number) => void): Promise<Recorded<unknown>>;
  /** Trains. Returns undefined on a rank that does not write the run's folder. */
  train(
    model: Model,
    options: LoopOptions,
    progress: Progress,
    interrupted: () => boolean,
  ): Promise<Result | undefined>;
  /** What was measured, and a command to try the result with. */
  ending(result: Result): { measured: string; tryIt: string };
}

/** Opens the device, trains, and prints everything from the adapter to the command that continues the run. */
export async function trainRun<Model, Result extends LoopResult>(
  run: Run<Model, Result>,
  warn: (line: string) => void,
): Promise<void> {
  const { at, flags, before, record, steps, command, ranks } = run;
  const done = before?.step ?? 0;
  checkStepsLeft(at.folder, done, steps, run.stepsFlags);
  ranks?.chooseGpu();
  const device = await inPhase('driver', () => openDevice(flags.adapter));
  try {
    ranks?.watch(device);
    console.log(`adapter  ${device.description}`);
    const beginning = { pairs: run.pairs, adapter: device.description };
    warnOfChanges(record, beginning, run.pairsName, warn);
    record.pairs ??= beginning.pairs;
    record.adapter ??= beginning.adapter;
    const work = { build: run.build, checkMemory: () => run.checkMemory(device) };
    await ranks?.introduce(device, run.batch ?? 0);
    await ranks?.requireSame({ ...run.description, 'as its step': String(done), 'as its last step': String(steps) });
    if (ranks?.first ?? true) await chooseTuning(device, work, { tune: flags.tune, before: before?.run }, warn);
    await ranks?.shareTuning(device);
    const model = await withinMemory(device, await run.checkMemory(device), () => run.open(device));
    console.log(`model    ${run.describe(model)}`);
    console.log(`run      ${at.folder}${before ? `, going on after step ${done}` : ''}`);
    await inPhase('kernels', () => compile((onCompiled) => run.prepare(model, onCompiled)));
    console.log(`memory   ${formatBytes(device.memory.bytes)} on the device`);

    const progress = new Progress();
    const told = () => {
      if (ranks?.first ?? true)
        progress.note('finishing this step, then saving … (Ctrl-C again to stop without saving)');
    };
    const interrupt = watchInterrupt(told, ranks ? [SAVE_SIGNAL] : []);
    try {
      const onPace = (seconds: number) => {
        if (flags.minutes === undefined && seconds > LONG_SECONDS) progress.note(longRun(seconds, adviseHere()));
      };
      const options = { ...loopOptions(run), onPace };
      const result = await run.train(model, options, progress, interrupt.asked);
      if (!result) return;
      ranks?.tellTraffic(result.steps - done);
      const { checkpoints_dir: checkpointsDir, open = false } = flags;
      printEnding(result, {
        command,
        folder: at.folder,
        name: at.name,
        checkpointsDir,
        open,
        time: timeLine(timeSpent()),
        ...run.ending(result),
      });
    } finally {
      interrupt.stop();
    }
  } finally {
    device.destroy();
  }
}

function loopOptions<Model, Result extends LoopResult>(run: Run<Model, Result>): LoopOptions {
  const { at, flags, before, record, steps, intervals, credits, ranks } = run;
  return {
    folder: at.folder,
    name: at.name,
    ...(at.lock && { lock: at.lock }),
    steps,
    ...(flags.minutes === undefined ? {} : { minutes: flags.minutes }),
    logEvery: flags.print_freq,
    sampleEvery: flags.display_freq ?? intervals.sample,
    saveEvery: flags.save_latest_freq ?? intervals.save,
    saveEveryEpochs: flags.save_epoch_freq,
    saveByStep: flags.save_by_iter ?? false,
    resumed: before !== undefined,
    record,
    ...(credits === undefined ? {} : { credits }),
    ...(ranks && { agree: ranks.agree }),
  };
}
