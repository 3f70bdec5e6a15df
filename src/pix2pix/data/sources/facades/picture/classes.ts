import { CHANNELS, type Raster } from '../../../image/raster.ts';

/**
 * The twelve classes of the CMP Facade Database (Tyleček & Šára 2013) in its own order and colours, which are those of
 * the pictures that pix2pix users know: MATLAB's jet(12). A cornice there is the panel above a window; bands that run
 * along a wall, the eaves' too, are moldings.
 */
const PALETTE = {
  background: [0, 0, 170],
  facade: [0, 0, 255],
  window: [0, 85, 255],
  door: [0, 170, 255],
  cornice: [0, 255, 255],
  sill: [85, 255, 170],
  balcony: [170, 255, 85],
  blind: [255, 255, 0],
  deco: [255, 170, 0],
  molding: [255, 85, 0],
  pillar: [255, 0, 0],
  shop: [170, 0, 0],
} as const satisfies Record<string, readonly [number, number, number]>;

export type FacadeClass = keyof typeof PALETTE;
export const FACADE_CLASSES = Object.keys(PALETTE) as FacadeClass[];
export const FACADE_COLOURS: readonly (readonly [number, number, number])[] = Object.values(PALETTE);
/** The number of a class in a label map. */
export const classNumber = Object.fromEntries(FACADE_CLASSES.map((name, i) => [name, i])) as Record<
  FacadeClass,
  number
>;

/**
 * Largest channel difference, of 255, at which a colour still counts as a class's. The palette's colours are 85 apart.
 */
const NEAR = 40;

/**
 * The inverse of `labelPicture`, for a picture (3 · H · W, values in [0, 1]) with slightly wrong colours, as after
 * JPEG. Returns the nearest class of each pixel, and the fraction of pixels far from every class's colour.
 */
export function readClasses(picture: Float32Array): { labels: Uint8Array; strange: number } {
  const size = picture.length / CHANNELS;
  const labels = new Uint8Array(size);
  let strange = 0;
  for (let i = 0; i < size; i++) {
    let least = Number.POSITIVE_INFINITY;
    FACADE_COLOURS.forEach((colour, label) => {
      let far = 0;
      for (let c = 0; c < CHANNELS; c++) {
        far = Math.max(far, Math.abs(255 * (picture[c * size + i] as number) - (colour[c] as number)));
      }
      if (far < least) {
        least = far;
        labels[i] = label;
      }
    });
    if (least > NEAR) strange++;
  }
  return { labels, strange: strange / size };
}

/** Converts class numbers to a picture in the palette's colours. */
export function labelPicture(labels: Uint8Array, width: number, height: number): Raster {
  const size = width * height;
  const data = new Uint8Array(CHANNELS * size);
  for (let i = 0; i < size; i++) {
    const colour = FACADE_COLOURS[labels[i] as number] as readonly number[];
    for (let c = 0; c < CHANNELS; c++) data[c * size + i] = colour[c] as number;
  }
  return { width, height, data };
}
