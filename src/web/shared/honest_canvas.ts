import { PixtapeError } from '../../engine/util/errors.ts';

const SIDE = 48;
let honest: boolean | undefined;

/**
 * Some browsers change the pixels that a page reads from a canvas, against fingerprinting (Brave's shields, Firefox's
 * resistFingerprinting). A network cannot learn from such pictures.
 * @throws PixtapeError if this browser does
 */
export function checkCanvas(): void {
  honest ??= isHonest();
  if (honest) return;
  throw new PixtapeError(
    'This browser changes the pixels that a page reads from pictures, as a protection against fingerprinting.',
    'Switch that off for this page (Brave: Shields down; Firefox: resistFingerprinting), take PNG files, which are read ' +
      'without it, or take another browser.',
    { code: 'unsupported' },
  );
}

/** Draws known colours, and reads them back. */
function isHonest(): boolean {
  const context = new OffscreenCanvas(SIDE, SIDE).getContext('2d', { willReadFrequently: true });
  if (!context) return true; // Reported where a context is needed.
  const colour = (i: number): [number, number, number] => [(i * 37) % 256, (i * 101 + 7) % 256, (i * 59 + 3) % 256];
  for (let i = 0; i < SIDE * SIDE; i++) {
    const [red, green, blue] = colour(i);
    context.fillStyle = `rgb(${red} ${green} ${blue})`;
    context.fillRect(i % SIDE, Math.floor(i / SIDE), 1, 1);
  }
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) {
    if (colour(i).some((value, c) => data[4 * i + c] !== value) || data[4 * i + 3] !== 255) return false;
  }
  return true;
}
