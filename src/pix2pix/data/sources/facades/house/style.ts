import type { RandomStream } from '../../../../../engine/util/random.ts';
import { blend, type Rgb, tint } from '../picture/canvas.ts';

/** The style of a building. */
export interface Style {
  /** Seed of the textures. */
  seed: number;
  wall: 'plaster' | 'brick' | 'stone';
  wallColour: Rgb;
  /** Joints of bricks and stones. */
  jointColour: Rgb;
  /** Stone of sills, cornices, moldings, pillars. */
  trimColour: Rgb;
  frameColour: Rgb;
  doorColour: Rgb;
  shutterColour: Rgb;
  roofColour: Rgb;
  ironColour: Rgb;
  /** Whether the ground floor is built of large blocks. */
  rustic: boolean;
  floors: number;
  bays: number;
  rhythm: 'even' | 'wide centre' | 'wide ends' | 'alternating';
  windows: {
    /** Fractions of the bay's width and the floor's height. */
    width: number;
    height: number;
    top: 'flat' | 'segment' | 'round';
    /** Columns and rows of panes. */
    panes: readonly [across: number, down: number];
    surround: number;
    sill: boolean;
    head: 'none' | 'panel' | 'pediment' | 'keystone';
    shutters: boolean;
    /** Fractions of windows with a lowered blind, and with a curtain. */
    blinds: number;
    curtains: number;
  };
  balconies: 'none' | 'centre' | 'some' | 'first floor';
  railing: 'iron' | 'stone' | 'panel';
  pillars: 'none' | 'corners' | 'between';
  /** Bands between floors: only above the ground floor, or above each. */
  bands: 'none' | 'ground' | 'all';
  deco: 'none' | 'below' | 'between' | 'frieze';
  ground: 'shops' | 'windows' | 'mixed';
  eaves: number;
}

const WALLS: readonly Rgb[] = [
  [0.86, 0.76, 0.55],
  [0.9, 0.85, 0.73],
  [0.83, 0.66, 0.42],
  [0.79, 0.62, 0.53],
  [0.74, 0.75, 0.7],
  [0.67, 0.72, 0.64],
  [0.85, 0.81, 0.77],
  [0.62, 0.66, 0.72],
  [0.8, 0.56, 0.42],
  [0.73, 0.68, 0.6],
];
const BRICKS: readonly Rgb[] = [
  [0.6, 0.33, 0.26],
  [0.55, 0.38, 0.31],
  [0.7, 0.47, 0.36],
  [0.72, 0.6, 0.43],
  [0.48, 0.29, 0.25],
];
const STONES: readonly Rgb[] = [
  [0.76, 0.71, 0.61],
  [0.68, 0.65, 0.6],
  [0.81, 0.74, 0.6],
  [0.6, 0.58, 0.55],
];
const PAINTS: readonly Rgb[] = [
  [0.2, 0.3, 0.25],
  [0.35, 0.22, 0.15],
  [0.16, 0.2, 0.3],
  [0.42, 0.16, 0.14],
  [0.3, 0.36, 0.4],
  [0.55, 0.42, 0.28],
  [0.45, 0.5, 0.42],
];
const FRAMES: readonly Rgb[] = [
  [0.92, 0.91, 0.88],
  [0.92, 0.91, 0.88],
  [0.8, 0.76, 0.68],
  [0.42, 0.28, 0.19],
  [0.25, 0.27, 0.28],
];
const ROOFS: readonly Rgb[] = [
  [0.5, 0.28, 0.22],
  [0.33, 0.34, 0.37],
  [0.42, 0.33, 0.28],
  [0.3, 0.28, 0.27],
];

/** Draws a style at random. Some choices depend on others: bricks have paler trim, tall houses smaller windows. */
export function drawStyle(random: RandomStream): Style {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const often = (chance: number) => random.uniform() < chance;
  const wall = pick(['plaster', 'plaster', 'plaster', 'brick', 'brick', 'stone'] as const);
  const base = pick({ plaster: WALLS, brick: BRICKS, stone: STONES }[wall]);
  const wallColour = tint(base, between(0.9, 1.08));
  const pale: Rgb = [0.87, 0.84, 0.77];
  const trimColour = tint(blend(pale, wallColour, wall === 'brick' ? between(0, 0.25) : between(0.1, 0.65)), 1);
  const floors = pick([2, 3, 3, 4, 4, 4, 5, 5]);
  const bays = pick(floors === 2 ? [3, 3, 4, 5] : floors < 5 ? [3, 4, 5, 5, 6] : [4, 5, 6, 7]);
  const top = pick(['flat', 'flat', 'flat', 'segment', 'round'] as const);
  return {
    seed: random.below(2 ** 30),
    wall,
    wallColour,
    jointColour: wall === 'brick' ? [0.72, 0.68, 0.61] : tint(wallColour, 0.68),
    trimColour,
    frameColour: pick(FRAMES),
    doorColour: pick(PAINTS),
    shutterColour: pick(PAINTS),
    roofColour: pick(ROOFS),
    ironColour: pick([
      [0.12, 0.13, 0.13],
      [0.2, 0.22, 0.22],
      [0.13, 0.2, 0.17],
    ] as const),
    rustic: wall !== 'brick' && often(0.45),
    floors,
    bays,
    rhythm: pick(['even', 'even', 'wide centre', 'wide ends', 'alternating'] as const),
    windows: {
      width: between(0.42, 0.58),
      height: between(0.54, 0.68),
      top,
      panes: pick([
        [2, 2],
        [2, 3],
        [2, 1],
        [3, 2],
        [2, 2],
        [1, 1],
        [3, 4],
      ] as const),
      surround: pick([0, 2, 2, 3]),
      sill: often(0.75),
      head:
        top === 'flat'
          ? pick(['none', 'panel', 'panel', 'pediment', 'keystone'] as const)
          : pick(['none', 'keystone'] as const),
      shutters: often(0.22),
      blinds: often(0.4) ? between(0.1, 0.5) : 0,
      curtains: between(0.3, 0.8),
    },
    balconies: pick(['none', 'none', 'centre', 'some', 'first floor'] as const),
    railing: pick(['iron', 'iron', 'stone', 'panel'] as const),
    pillars: pick(['none', 'none', 'corners', 'corners', 'between'] as const),
    bands: pick(['none', 'ground', 'ground', 'all'] as const),
    deco: pick(['none', 'none', 'below', 'between', 'frieze'] as const),
    ground: pick(['shops', 'windows', 'mixed'] as const),
    eaves: 5 + random.below(8),
  };
}
