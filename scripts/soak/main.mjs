/**
 * `npm run soak`: kills training runs with SIGKILL at random moments, 200 times, and resumes each. Then compares the
 * results bit for bit with an undisturbed run. Half of the kills are aimed at the writing of a checkpoint, a sample
 * grid, the report or the lock. `--kills N` sets the number, `--minutes M` a duration instead, `--seed N` the moments;
 * `--keep` keeps the folder.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setup } from '../setup.mjs';
import { Lane } from './lane.mjs';
import { writePictures } from './pictures.mjs';
import { random } from './random.mjs';

const args = process.argv.slice(2);
const number = (flag, usual) => {
  const at = args.indexOf(flag);
  const value = at < 0 ? usual : Number(args[at + 1]);
  if (value !== undefined && !(value >= 0)) throw new Error(`${flag} ${args[at + 1]} is no number`);
  return value;
};
const minutes = number('--minutes');
const kills = number('--kills', minutes === undefined ? 200 : Number.POSITIVE_INFINITY);
const seed = number('--seed', Math.floor(Math.random() * 1e6));
const end = performance.now() + 60_000 * (minutes ?? Number.POSITIVE_INFINITY);

await setup({ quiet: true });
const home = mkdtempSync(join(tmpdir(), 'pixtape-soak-'));
console.log(`seed ${seed}, in ${home}`);
writePictures(home);

const TRAIN = '--dataroot pairs --crop_size 32 --depth 3 --ngf 8 --ndf 4 --batch_size 2 --print_freq 1'.split(' ');
const GAN = 'pictures --classes --size 16 --nz 8 --ngf 8 --ndf 8 --batch_size 2 --print_freq 1'.split(' ');
const EVERY = ['--save_latest_freq', '3', '--display_freq', '5', '--save_epoch_freq', '0'];
const draw = random(seed);
const lanes = [
  new Lane({ home, name: 'pairs', command: 'train', model: TRAIN, every: [...EVERY, '--samples', '2'], draw }),
  new Lane({ home, name: 'gan', command: 'gan', model: GAN, every: [...EVERY, '--samples', '2'], draw }),
];

for (let n = 0; n < kills && performance.now() < end; n++) {
  const lane = lanes[n % lanes.length];
  const told = await lane.kill();
  console.log(`${String(n + 1).padStart(4)}  ${lane.name.padEnd(5)}  ${told}`);
}
for (const lane of lanes) console.log(await lane.compare());
const sum = (key) => lanes.reduce((total, lane) => total + lane.counts[key], 0);
console.log(
  `${sum('kills')} kills, ${sum('torn')} of them inside a save, ${sum('lines')} inside a line of the log; ` +
    `all went on bit for bit`,
);
if (!args.includes('--keep')) rmSync(home, { recursive: true, force: true });
