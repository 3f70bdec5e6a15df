import { emit } from '../../shared/remote.ts';
import type { TrainEvent } from '../types.ts';

/** Drawings that the page has been asked for. */
const asked = new Map<number, (picture: ImageBitmap | undefined) => void>();
let count = 0;

/**
 * An SVG as pixels, of the size that it gives itself. A worker cannot draw one: the page does, so that edges are as soft as
 * its browser makes them, not bit for bit as in Node.
 * @throws Error where the page cannot either
 */
export function drawSvg(file: Blob): Promise<ImageBitmap> {
  const id = count++;
  return new Promise((resolve, reject) => {
    asked.set(id, (picture) => (picture ? resolve(picture) : reject(new Error('no drawing'))));
    emit({ kind: 'draw', id, file } satisfies TrainEvent);
  });
}

/** The page's answer; undefined where the file is no drawing. */
export function drawn(id: number, picture: ImageBitmap | undefined): void {
  asked.get(id)?.(picture);
  asked.delete(id);
}
