import type { Bands } from './bands.ts';

/** Applies EXIF's eight orientations. */
export function turned(bands: Bands, orientation: number): Bands {
  const { width, height } = bands;
  if (!(orientation >= 2 && orientation <= 8)) return bands;
  const swapped = orientation >= 5;
  const [w, h] = swapped ? [height, width] : [width, height];
  // The source of each pixel of the upright picture.
  const source = (x: number, y: number): number => {
    const [u, v] = swapped ? [y, x] : [x, y];
    const across = [2, 3, 7, 8].includes(orientation) ? width - 1 - u : u;
    const down = [3, 4, 6, 7].includes(orientation) ? height - 1 - v : v;
    return down * width + across;
  };
  const planes = bands.planes.map((plane) => {
    const out = plane.slice();
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) out[y * w + x] = plane[source(x, y)] as number;
    return out;
  });
  return { ...bands, width: w, height: h, planes };
}
