import type { RandomStream } from '../../../../../engine/util/random.ts';
import { CHANNELS, type Raster } from '../../../image/raster.ts';
import { type FacadeCanvas, type Rgb, SKY } from './canvas.ts';
import { clamp, cloud, hash, noise } from './noise.ts';

/** Time of day, weather and camera of a picture. */
export interface Light {
  /** Direction to the sun: pixels to the right and down per pixel out of the wall. */
  right: number;
  down: number;
  /** 0 clear, 1 overcast. */
  overcast: number;
  sun: Rgb;
  /** Height of the shadow of the houses across the street, as a fraction of the picture; 1 for none. */
  streetShadow: number;
  exposure: number;
  seed: number;
}

export function drawLight(random: RandomStream): Light {
  const overcast = random.uniform() < 0.35 ? 0.6 + 0.4 * random.uniform() : 0.4 * random.uniform();
  const side = random.uniform() < 0.5 ? -1 : 1;
  const warmth = random.uniform();
  return {
    right: side * (0.25 + 0.9 * random.uniform()),
    down: -(0.45 + 0.75 * random.uniform()),
    overcast,
    sun: [1.06, 1 - 0.06 * warmth, 0.92 - 0.2 * warmth],
    streetShadow: random.uniform() < 0.3 ? 0.5 + 0.4 * random.uniform() : 1,
    exposure: 0.84 + 0.32 * random.uniform(),
    seed: random.below(2 ** 30),
  };
}

/**
 * Renders a canvas: sunlight and shadows, skylight, reflections of the street in glass, lens, noise.
 */
export function photograph(canvas: FacadeCanvas, light: Light): Raster {
  const { width, height } = canvas;
  const size = width * height;
  const linear = new Float32Array(CHANNELS * size);
  const albedos = [canvas.red, canvas.green, canvas.blue];
  const nook = nooks(canvas);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const shines = canvas.depth[i] === SKY;
      const direct = shines ? 0 : sunAt(canvas, light, x, y);
      const ambient = shines ? 1 : (0.42 + 0.3 * light.overcast) * (nook[i] as number) * (1.08 - 0.2 * (y / height));
      const gloss = canvas.gloss[i] as number;
      const mirrored = gloss > 0 ? reflection(x, y, light) : undefined;
      for (let c = 0; c < CHANNELS; c++) {
        const albedo = (albedos[c] as Float32Array)[i] as number;
        const bluish = c === 2 ? 1.06 : c === 0 ? 0.97 : 1;
        const lit = albedo * albedo * (ambient * bluish + direct * (light.sun[c] as number));
        linear[c * size + i] = mirrored ? lit * (1 - gloss) + gloss * (mirrored[c] as number) ** 2 : lit;
      }
    }
  }
  return develop(linear, width, height, light);
}

/** Largest height. */
const FURTHEST = 9;

/** Direct light on a pixel: the slope of its surface, and whether something higher casts a shadow on it. */
function sunAt(canvas: FacadeCanvas, light: Light, x: number, y: number): number {
  const { width, height, depth } = canvas;
  const { right, down } = light;
  const at = (px: number, py: number) => {
    const column = Math.min(width - 1, Math.max(0, px));
    const row = Math.min(height - 1, Math.max(0, py));
    return depth[row * width + column] as number;
  };
  const here = at(x, y);
  const slantX = clamp(0.3 * (at(x + 1, y) - at(x - 1, y)), -0.7, 0.7);
  const slantY = clamp(0.3 * (at(x, y + 1) - at(x, y - 1)), -0.7, 0.7);
  const upright = 1 / Math.sqrt(right * right + down * down + 1);
  const facing = (1 - slantX * right - slantY * down) / Math.sqrt(slantX * slantX + slantY * slantY + 1);
  let shadow = 0;
  for (let out = 1; out <= FURTHEST - here && shadow < 1; out++) {
    const over = at(Math.round(x + out * right), Math.round(y + out * down)) - here - out;
    if (over > 0) shadow = Math.max(shadow, Math.min(1, 0.5 + over));
  }
  const edge = (y / height - light.streetShadow) * 14 + right * (x / width - 0.5) * 6;
  const street = light.streetShadow < 1 ? clamp(edge) : 0;
  const strength = 1.15 * (1 - 0.88 * light.overcast);
  return strength * Math.max(0, facing) * upright * 1.25 * (1 - shadow) * (1 - 0.85 * street);
}

/** Ambient occlusion: less light in reveals and under ledges. Compares each height with the mean around it. */
function nooks({ width, height, depth }: FacadeCanvas): Float32Array {
  const reach = 4;
  const along = new Float32Array(depth.length);
  const open = new Float32Array(depth.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let d = -reach; d <= reach; d++) sum += depth[y * width + Math.min(width - 1, Math.max(0, x + d))] as number;
      along[y * width + x] = sum / (2 * reach + 1);
    }
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let d = -reach; d <= reach; d++)
        sum += along[Math.min(height - 1, Math.max(0, y + d)) * width + x] as number;
      const below = sum / (2 * reach + 1) - (depth[y * width + x] as number);
      open[y * width + x] = clamp(1 - 0.085 * below, 0.45, 1.1);
    }
  }
  return open;
}

/** The reflection of the other side of the street in glass: roofs, and the sky above. */
function reflection(x: number, y: number, { seed, overcast }: Light): Rgb {
  const skyline = 60 + 110 * noise(x / 34, 0.5, seed + 2);
  const wobble = 10 * (noise(x / 5, y / 11, seed + 3) - 0.5);
  if (y + wobble > skyline) {
    const house = 0.2 + 0.3 * noise(x / 15, y / 25, seed + 4);
    return [house, house * 0.93, house * 0.85];
  }
  const bright = 0.75 + 0.25 * cloud(x / 30, y / 18, seed + 5);
  return [bright * (0.68 + 0.2 * overcast), bright * (0.8 + 0.1 * overcast), bright];
}

/** Camera: slight blur, vignetting, exposure, a soft shoulder, grain. */
function develop(linear: Float32Array, width: number, height: number, { exposure, seed }: Light): Raster {
  const size = width * height;
  const data = new Uint8Array(CHANNELS * size);
  const planes = [0, 1, 2].map((c) => linear.subarray(c * size, (c + 1) * size));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [x / width - 0.5, y / height - 0.5];
      const lens = exposure * (1 - 0.35 * (u * u + v * v));
      const grain = 0.035 * (hash(x, y, seed + 6) - 0.5);
      const i = y * width + x;
      const [left, right] = [x > 0 ? i - 1 : i, x < width - 1 ? i + 1 : i];
      const [above, below] = [y > 0 ? i - width : i, y < height - 1 ? i + width : i];
      for (let c = 0; c < CHANNELS; c++) {
        const plane = planes[c] as Float32Array;
        const around =
          (plane[left] as number) + (plane[right] as number) + (plane[above] as number) + (plane[below] as number);
        const soft = 0.68 * (plane[i] as number) + 0.08 * around;
        const film = (1.32 * lens * soft) / (1 + 0.32 * lens * soft);
        data[c * size + i] = Math.round(255 * clamp(Math.sqrt(film) + grain));
      }
    }
  }
  return { width, height, data };
}
