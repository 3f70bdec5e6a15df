import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';

/** Writes made-up pairs into pairs/, and made-up pictures of two classes into pictures/. */
export function writePictures(home) {
  mkdirSync(join(home, 'pairs'));
  for (let i = 0; i < 13; i++) write(join(home, 'pairs', `${i}.png`), 64, 32, i);
  for (const label of ['dark', 'light']) {
    mkdirSync(join(home, 'pictures', label), { recursive: true });
    for (let i = 0; i < 7; i++) write(join(home, 'pictures', label, `${i}.png`), 16, 16, label === 'dark' ? i : i + 9);
  }
}

function write(path, width, height, seed) {
  const png = new PNG({ width, height });
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    png.data.set([(x * 9 + seed * 40) % 256, (y * 13 + seed * 90) % 256, (x * y + seed) % 256, 255], i * 4);
  }
  writeFileSync(path, PNG.sync.write(png));
}
