/**
 * `npm start`: set-up, then a first training run that a machine without a GPU finishes in minutes. Passes flags on.
 * `--no-open` does not open the browser.
 */
import { runBuilt, setup } from './setup.mjs';

await setup({ computes: process.argv.slice(2) });
const quiet = process.argv.includes('--no-open');
const given = process.argv.slice(2).filter((flag) => flag !== '--no-open');
// Treat `-` and `_` alike, as the commands do.
const names = new Set(given.map((flag) => flag.split('=')[0].replace(/(?<=\w)-/g, '_')));
const has = (name) => names.has(name);
const first = ['train', '--preset', 'quick'];
if (!has('--data') && !has('--dataroot')) {
  first.push('--data', 'openmoji');
  if (!has('--n_epochs')) {
    // Almost two passes over the emoji: minutes on two cores with lavapipe. The run is too short for the structural
    // term, which delays colours at first. Flags that are given come later, and win.
    first.push('--n_epochs', '0.25', '--n_epochs_decay', '1.5', '--lr', '0.003', '--flip', '--lambda_ssim', '0');
    // This generator sees whole faces, and weaves nothing into them.
    if (!['--netG', '--depth'].some(has)) first.push('--netG', 'resize_unet_32');
    // In so short a run a discriminator of patches leaves blotches; one of single pixels learns which colours there are.
    if (!['--netD', '--ndf', '--lr_D'].some(has)) first.push('--netD', 'pixel', '--ndf', '8', '--lr_D', '0.002');
  }
}
if (!quiet && !has('--open')) first.push('--open');
await runBuilt('pixtape.js', [...first, ...given]);
