/** Converts between a canvas's pixels (RGBA bytes) and a network's (planes of values in [0, 1]). */
import { LUMA } from '../../pix2pix/data/image/luma.ts';

/** Three channels are red, green and blue; one is their luma. */
export function toPlanes(rgba: Uint8ClampedArray, channels: number): Float32Array {
  const size = rgba.length / 4;
  const planes = new Float32Array(channels * size);
  for (let i = 0; i < size; i++) {
    const [r = 0, g = 0, b = 0] = [rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]];
    if (channels === 1) planes[i] = (LUMA[0] * r + LUMA[1] * g + LUMA[2] * b) / 255;
    else {
      planes[i] = r / 255;
      planes[size + i] = g / 255;
      planes[2 * size + i] = b / 255;
    }
  }
  return planes;
}

/** @param size pixels of the picture; fewer than three planes are shown as grey */
export function toRgba(planes: Float32Array, size: number): Uint8ClampedArray<ArrayBuffer> {
  const colours = planes.length >= 3 * size;
  const rgba = new Uint8ClampedArray(4 * size);
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = 255 * (planes[(colours ? c * size : 0) + i] as number);
    rgba[4 * i + 3] = 255;
  }
  return rgba;
}
