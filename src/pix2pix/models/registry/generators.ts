import type { GeneratorKind } from './kind.ts';
import { RESNET } from './resnet.ts';
import { TUTORIAL } from './tutorial.ts';
import { UNET } from './unet.ts';

/** Every generator there is. To add one, write a model file that ends in its `GeneratorKind`, and list it here. */
const KINDS = { tutorial: TUTORIAL, unet: UNET, resnet: RESNET };

/** Names a row of `GENERATORS` in checkpoints. */
export type NetG = keyof typeof KINDS;
export const GENERATORS: Readonly<Record<NetG, GeneratorKind>> = KINDS;
export const NETS_G = Object.keys(KINDS) as NetG[];
