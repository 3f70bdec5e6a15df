import { NORMS } from '../../../engine/nn/norm.ts';
import { BASIC_LAYERS, leastSide, NLayerDiscriminator, PixelDiscriminator, patchSide } from '../discriminators.ts';
import { PatchGAN } from '../patch_gan.ts';
import type { DiscriminatorKind } from './kind.ts';

const paper = { norms: NORMS, biases: 'zero', hidden: 64 } as const;

/** All discriminators: the tutorial's PatchGAN, the paper's with 70 × 70 or other patches, and its 1 × 1. */
const KINDS = {
  tutorial: {
    title: "the tutorial's PatchGAN",
    label: () => 'PatchGAN',
    norms: ['batch'],
    biases: 'uniform',
    hidden: 8,
    leastSide: () => 16,
    create: (device, { inChannels, hidden }) => new PatchGAN(device, { inChannels, hidden }),
  },
  basic: {
    ...paper,
    title: "the paper's PatchGAN",
    label: () => patchLabel(BASIC_LAYERS),
    leastSide: () => leastSide(BASIC_LAYERS),
    create: (device, config) => new NLayerDiscriminator(device, { ...config, layers: BASIC_LAYERS }),
  },
  n_layers: {
    ...paper,
    title: "the paper's PatchGAN of --n_layers_D layers",
    label: patchLabel,
    layered: true,
    leastSide,
    create: (device, config) => new NLayerDiscriminator(device, config),
  },
  pixel: {
    ...paper,
    title: "the paper's 1 × 1 discriminator",
    label: () => '1 × 1 discriminator',
    leastSide: () => 1,
    create: (device, config) => new PixelDiscriminator(device, config),
  },
} satisfies Record<string, DiscriminatorKind>;

function patchLabel(layers: number): string {
  const side = patchSide(layers);
  return `${side} × ${side} PatchGAN`;
}

/** Names a row of `DISCRIMINATORS` in checkpoints and for --netD. */
export type NetD = keyof typeof KINDS;
export const DISCRIMINATORS: Readonly<Record<NetD, DiscriminatorKind>> = KINDS;
export const NETS_D = Object.keys(KINDS) as NetD[];
