import type { DriverKind } from '../../src/drivers/index.ts';
import { PRESETS, type TrainConfig } from '../../src/pix2pix/train/config/config.ts';

export interface StepCase {
  name: string;
  config: TrainConfig;
  /** Whether it takes minutes on a CPU driver: then it gets fewer rounds, and --quick skips it. */
  slow: boolean;
  /** Target: how many times as long as PyTorch's step it may take, by driver. */
  wanted: Partial<Record<DriverKind, number>>;
}

const { tutorial, quick } = PRESETS;

export const STEP_CASES: readonly StepCase[] = [
  {
    name: 'default: 32/6, 256², batch 1',
    config: { ...tutorial, batch: 1 },
    slow: true,
    wanted: { lavapipe: 4 },
  },
  {
    name: 'small: 8/4, 64², batch 4',
    config: { ...tutorial, generator: { ...tutorial.generator, hidden: 8, depth: 4 }, width: 64, height: 64 },
    slow: false,
    wanted: { lavapipe: 3 },
  },
  // Without the structural term, which PyTorch's side lacks, so that both do the same work.
  { name: 'quick: the preset, without SSIM', config: { ...quick, lambdaSsim: 0 }, slow: false, wanted: {} },
];

/** The default model on the smallest pictures that need all its dispatches, to time what a replay costs the host. */
export const HOST_CASE: StepCase = {
  name: 'default: 32/6, 128², batch 1',
  config: { ...tutorial, batch: 1, width: 128, height: 128 },
  slow: true,
  wanted: {},
};
