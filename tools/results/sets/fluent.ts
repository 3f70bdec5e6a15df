import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeFileAtomic } from '../../../src/files/files.ts';
import { intoNewFolder } from '../../../src/pix2pix/data/files/new_folder.ts';
import { beside, type Raster } from '../../../src/pix2pix/data/image/raster.ts';
import { type Task, writeAll } from '../../../src/pix2pix/data/make/write_pictures.ts';
import { baseOf } from '../../../src/pix2pix/data/sources/emoji/emoji.ts';
import { holdOut } from '../../../src/pix2pix/data/split/split.ts';

const PACKAGES = { colour: '@iconify-json/fluent-emoji-flat', drawing: '@iconify-json/fluent-emoji-high-contrast' };
const VERSION = '1.2.6';
const SIDE = 64;
const CREDITS =
  "Pictures: Fluent Emoji (https://github.com/microsoft/fluentui-emoji), Microsoft Corporation, MIT licence; from npm's\n" +
  `${Object.values(PACKAGES).join(' and ')}, ${VERSION}.\n` +
  `Changes: rendered at ${SIDE} x ${SIDE} pixels on white, the flat picture and the high-contrast one side by side.\n`;

interface IconSet {
  icons: Record<string, { body: string }>;
  width: number;
  height: number;
}

/**
 * Makes a folder of pairs of Microsoft's Fluent emoji, flat colours left, black and white right, unless it is there. A
 * tenth of the base code points is held out, as of `--data openmoji`. npm fetches the two packages (2 MB).
 * @throws Error if npm cannot fetch them
 */
export async function makeFluent(out: string): Promise<void> {
  if (existsSync(join(out, 'CREDITS.txt'))) return;
  const packages = `${out}-packages`;
  const wanted = Object.values(PACKAGES).map((name) => `${name}@${VERSION}`);
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', packages, ...wanted];
  const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8', shell: process.platform === 'win32' });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed: ${stderr?.trim()}`);
  const read = (name: string, file: string) =>
    JSON.parse(readFileSync(join(packages, 'node_modules', name, file), 'utf8'));
  const colour: IconSet = read(PACKAGES.colour, 'icons.json');
  const drawing: IconSet = read(PACKAGES.drawing, 'icons.json');
  const codes = Object.entries(read(PACKAGES.drawing, 'chars.json') as Record<string, string>);
  const hexcodes = new Map(codes.map(([code, name]) => [name, code.toUpperCase()]));

  const names = Object.keys(drawing.icons).filter((name) => name in colour.icons);
  const bases = names.map((name) => baseOf({ hexcode: hexcodes.get(name) ?? name }));
  const split = holdOut(bases);
  if (!split) throw new Error(`${PACKAGES.drawing} has too few pictures`);
  const tasks = (indices: readonly number[], part: string): Task[] =>
    indices.map((i) => ({
      files: [join(part, `${names[i]}.png`)],
      load: async () => {
        const name = names[i] as string;
        return [beside(await render(colour, name), await render(drawing, name))];
      },
    }));
  const options = { skipBad: false, warn: console.warn };
  await intoNewFolder(out, async (folder) => {
    await writeFileAtomic(join(folder, 'CREDITS.txt'), CREDITS);
    return writeAll(folder, { train: tasks(split.train, 'train'), test: tasks(split.test, 'test') }, options);
  });
}

/** On white, black where a drawing takes the colour of the text. */
async function render({ icons, width, height }: IconSet, name: string): Promise<Raster> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" color="black">${icons[name]?.body}</svg>`;
  const drawn = sharp(Buffer.from(svg), { density: (72 * SIDE) / width })
    .resize(SIDE, SIDE)
    .flatten({ background: 'white' });
  const bytes = await drawn.toColourspace('srgb').raw().toBuffer();
  const size = SIDE * SIDE;
  const data = new Uint8Array(3 * size);
  for (let i = 0; i < size; i++) for (let c = 0; c < 3; c++) data[c * size + i] = bytes[3 * i + c] as number;
  return { width: SIDE, height: SIDE, data };
}
