import sharp from 'sharp';
import { type DecodeOptions, decode, type VectorSize } from './decode.ts';
import { CHANNELS, type Raster, toFloats } from './raster.ts';
import { type ResizeMode, resize } from './resize.ts';

/** A picture as the networks take it. */
export interface Picture {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** CHW, planes of height · width values in [0, 1]: red, green and blue, unless stated otherwise. */
  readonly data: Float32Array;
}

/**
 * Reads a picture file of any format that `decode` supports. By default grey becomes three equal channels.
 * Transparency is composited over white, 16-bit values keep their precision, and the EXIF orientation is applied.
 * @param options as those of `decode`
 * @throws PixtapeError naming the file, if it is missing, truncated, or not a picture
 */
export async function readPicture(
  path: string,
  options: DecodeOptions & { vector?: VectorSize } = {},
): Promise<Picture> {
  return asPicture(await decode(path, options));
}

/** Encodes an RGB PNG file: 16-bit for a raster of words, otherwise 8-bit, with floats rounded and clipped. */
export async function encodePng({ width, height, data }: Raster): Promise<Uint8Array> {
  const size = width * height;
  if (data.length !== CHANNELS * size) {
    throw new Error(`a picture of ${width} × ${height} has ${CHANNELS * size} values, not ${data.length}`);
  }
  const wide = data instanceof Uint16Array;
  const unit = data instanceof Float32Array ? 255 : 1;
  const pixels = wide ? new Uint16Array(data.length) : new Uint8ClampedArray(data.length);
  for (let c = 0; c < CHANNELS; c++) {
    for (let i = 0; i < size; i++) {
      const value = (data[c * size + i] as number) * unit;
      if (Number.isNaN(value)) throw new Error('a picture with NaN in it cannot be written');
      pixels[i * CHANNELS + c] = value;
    }
  }
  const image = sharp(pixels, { raw: { width, height, channels: CHANNELS } });
  return (wide ? image.toColourspace('rgb16') : image).png().toBuffer();
}

/** Resizes a picture (see resize.ts for the exact sampling). */
export function resizePicture(picture: Picture, width: number, height: number, mode: ResizeMode): Picture {
  return asPicture(resize(picture, width, height, mode));
}

function asPicture(raster: Raster): Picture {
  const { width, height } = raster;
  return { width, height, data: raster.data instanceof Float32Array ? raster.data : toFloats(raster) };
}
