/** `npm start`: set-up, then a first training run that a machine without a GPU finishes in minutes. Flags given are added;
 * `--no-open` leaves the browser alone. */
import { runBuilt, setup } from './setup.mjs';

await setup({ computes: process.argv.slice(2) });
const quiet = process.argv.includes('--no-open');
const given = process.argv.slice(2).filter((flag) => flag !== '--no-open');
// `-` and `_` are alike, as in the commands.
const names = new Set(given.map((flag) => flag.split('=')[0].replace(/(?<=\w)-/g, '_')));
const has = (name) => names.has(name);
const first = ['train', '--preset', 'quick'];
if (!has('--data') && !has('--dataroot')) {
  // Once through the emoji, the second half with a falling learning rate: four minutes on two cores with lavapipe.
  first.push('--data', 'openmoji');
  if (!has('--n_epochs')) {
    first.push('--n_epochs', '0.5', '--n_epochs_decay', '0.5');
    // Too short for the structural term, which keeps colours out at first.
    if (!has('--lambda_ssim')) first.push('--lambda_ssim', '0');
  }
}
if (!quiet && !has('--open')) first.push('--open');
await runBuilt('pixtape.js', [...first, ...given]);
