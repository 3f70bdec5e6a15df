import { blend, type Material, type Rgb, tint } from '../picture/canvas.ts';
import { clamp, cloud, hash, noise } from '../picture/noise.ts';
import type { Style } from './style.ts';

type Surface = Required<Pick<Material, 'colour' | 'depth'>>;

/** The wall: plaster with stains, courses of bricks, or dressed stones. */
export function wallSurface(style: Style): Surface {
  if (style.wall === 'brick') return bricks(style, 9, 4);
  return style.wall === 'stone' ? blocks(style, style.wallColour, 26, 11, 0.35) : plaster(style, style.wallColour);
}

/** Large blocks with deep joints, for ground floors. */
export function rusticSurface(style: Style): Surface {
  return blocks(style, blend(style.wallColour, style.trimColour, 0.5), 22, 10, 1.6);
}

/** Plaster or dressed stone of one colour: weathered patches, grain, streaks of rain. */
export function plaster({ seed }: Style, colour: Rgb, depth = 0): Surface {
  return {
    colour: (x, y) => {
      const patches = cloud(x / 38, y / 38, seed) - 0.5;
      const streaks = noise(x / 2.5, y / 70, seed + 7) - 0.5;
      const grain = hash(x, y, seed + 9) - 0.5;
      return tint(colour, 1 + 0.22 * patches + 0.09 * streaks + 0.07 * grain);
    },
    depth: (x, y) => depth + 0.5 * (noise(x / 2, y / 2, seed + 11) - 0.5),
  };
}

/** Stone of sills, cornices and pillars: the trim's colour, darker where dirt gathers. */
export const trimSurface = (style: Style, depth: number, shade = 1): Surface =>
  plaster({ ...style, seed: style.seed + 31 }, tint(style.trimColour, shade), depth);

/** Rows of stones in running bond: every other row is shifted by half a stone. */
function runningBond(length: number, height: number) {
  return (x: number, y: number) => {
    const row = Math.floor(y / height);
    const shifted = x + (row % 2) * Math.floor(length / 2);
    return { row, column: Math.floor(shifted / length), joint: y % height === 0 || shifted % length === 0 };
  };
}

function bricks({ seed, wallColour, jointColour }: Style, length: number, height: number): Surface {
  const place = runningBond(length, height);
  return {
    colour: (x, y) => {
      const { row, column, joint } = place(x, y);
      const weather = 1 + 0.25 * (cloud(x / 45, y / 45, seed) - 0.5) + 0.1 * (hash(x, y, seed + 3) - 0.5);
      if (joint) return tint(jointColour, 0.92 * weather);
      const odd = hash(column, row, seed + 4);
      const burnt = odd > 0.9 ? 0.72 : 0.84 + 0.3 * hash(column, row, seed + 5);
      const [r, g, b] = tint(wallColour, burnt * weather);
      return [r, g * (0.94 + 0.12 * odd), b];
    },
    depth: (x, y) => (place(x, y).joint ? -0.4 : 0),
  };
}

function blocks({ seed }: Style, colour: Rgb, length: number, height: number, joint: number): Surface {
  const place = runningBond(length, height);
  return {
    colour: (x, y) => {
      const at = place(x, y);
      const block = 0.88 + 0.24 * hash(at.column, at.row, seed + 4);
      const grain = 0.16 * (noise(x / 2, y / 2, seed + 6) - 0.5) + 0.2 * (cloud(x / 30, y / 30, seed + 8) - 0.5);
      return tint(colour, (at.joint ? 0.8 : 1) * block * (1 + grain));
    },
    depth: (x, y) => (place(x, y).joint ? -joint : 0) + 0.4 * (noise(x / 3, y / 3, seed + 12) - 0.5),
  };
}

/** Sky behind the house, blue or overcast, with clouds; `y` from 0 (top) down. */
export function sky(seed: number, overcast: number): (x: number, y: number) => Rgb {
  return (x, y) => {
    const high: Rgb = blend([0.36, 0.55, 0.85], [0.75, 0.77, 0.8], overcast);
    const low: Rgb = blend([0.72, 0.82, 0.93], [0.86, 0.87, 0.88], overcast);
    const clouds = clamp(2.2 * cloud(x / 60, y / 26, seed) - 0.9);
    return blend(blend(high, low, clamp(y / 90)), [0.96, 0.96, 0.97], clouds * (0.8 - 0.4 * overcast));
  };
}
