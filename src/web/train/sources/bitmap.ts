import type { Bands } from '../../../pix2pix/data/decoders/bands.ts';
import { checkCanvas } from '../../shared/honest_canvas.ts';

/**
 * Converts a decoded bitmap to three planes, on white. Closes the bitmap.
 * @throws PixtapeError if this browser changes the picture's pixels
 */
export async function bitmapBands(bitmap: ImageBitmap): Promise<Bands> {
  const { width, height } = bitmap;
  try {
    checkCanvas();
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('this browser gives a worker no 2D context');
    context.fillStyle = 'white';
    context.fillRect(0, 0, width, height);
    context.drawImage(bitmap, 0, 0);
    const rgba = context.getImageData(0, 0, width, height).data;
    const planes = [0, 1, 2].map((c) =>
      Uint8Array.from({ length: width * height }, (_, i) => rgba[4 * i + c] as number),
    );
    return { width, height, planes };
  } finally {
    bitmap.close();
  }
}
