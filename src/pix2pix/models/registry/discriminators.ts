import { NORMS } from '../../../engine/nn/norm.ts';
import { BasicDiscriminator, PixelDiscriminator } from '../discriminators.ts';
import { PatchGAN } from '../patch_gan.ts';
import type { DiscriminatorKind } from './kind.ts';

const paper = { norms: NORMS, biases: 'zero', hidden: 64 } as const;

/** Every discriminator there is: the tutorial's PatchGAN, the paper's 70 × 70 PatchGAN and its 1 × 1 discriminator. */
const KINDS = {
  tutorial: {
    title: "the tutorial's PatchGAN",
    label: 'PatchGAN',
    norms: ['batch'],
    biases: 'uniform',
    hidden: 8,
    leastSide: 16,
    create: (device, { inChannels, hidden }) => new PatchGAN(device, { inChannels, hidden }),
  },
  basic: {
    ...paper,
    title: "the paper's PatchGAN",
    label: '70 × 70 PatchGAN',
    leastSide: 24,
    create: (device, config) => new BasicDiscriminator(device, config),
  },
  pixel: {
    ...paper,
    title: "the paper's 1 × 1 discriminator",
    label: '1 × 1 discriminator',
    leastSide: 1,
    create: (device, config) => new PixelDiscriminator(device, config),
  },
} satisfies Record<string, DiscriminatorKind>;

/** Names a row of `DISCRIMINATORS` in checkpoints and for --netD. */
export type NetD = keyof typeof KINDS;
export const DISCRIMINATORS: Readonly<Record<NetD, DiscriminatorKind>> = KINDS;
export const NETS_D = Object.keys(KINDS) as NetD[];
