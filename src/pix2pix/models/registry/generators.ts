import type { GeneratorKind } from './kind.ts';
import { RESIZE_UNET } from './resize_unet.ts';
import { RESNET } from './resnet.ts';
import { TUTORIAL } from './tutorial.ts';
import { ENCODER_DECODER, UNET } from './unet.ts';

/** All generators. To add one, write a file with its `GeneratorKind`, and list it here. */
const KINDS = {
  tutorial: TUTORIAL,
  unet: UNET,
  encoder_decoder: ENCODER_DECODER,
  resnet: RESNET,
  resize_unet: RESIZE_UNET,
};

/** Names a row of `GENERATORS` in checkpoints. */
export type NetG = keyof typeof KINDS;
export const GENERATORS: Readonly<Record<NetG, GeneratorKind>> = KINDS;
export const NETS_G = Object.keys(KINDS) as NetG[];
