import { evalFlags } from './flags.ts';
import { evaluateCheckpoint } from './start.ts';

const EXAMPLES = `
Examples:
  pixtape eval facades                                 the run of that name, on the pictures that it never saw
  pixtape eval facades --l1 facades-l1 --sheet facades.png --json facades.json
  pixtape eval runs/facades/epoch-100.safetensors other_facades
  pixtape eval facades --fcn                           what a network that knows facades reads off the painted ones
  pixtape eval facades --dropout                       with dropout and each picture's own statistics

The generator is measured beside three that know less: the condition itself, the mean of all training pictures, and the
same generator trained without a discriminator, where --l1 names such a run (train --gan_mode none, all other flags the
same). It paints each picture by itself, in the mode that translate paints in: without dropout, by the running statistics of
batch norm, or by the picture's own where one batch norm serves two places, as in the tutorial's generator (--eval: by the
running ones there, too). Nothing is rounded before it is measured.

  L1             mean absolute difference from the real picture, values 0 to 1
  PSNR           10 log10(1 / mean squared error) of each picture in dB, then the mean over the pictures; data range 1;
                 a picture met exactly has no finite one and is left out, which is said
  SSIM           Wang et al. 2004: Gaussian window of 11 × 11 pixels, sigma 1.5, K1 0.01, K2 0.03, each channel by itself,
                 windows within the picture only
  saturation     mean saturation of HSV, 0 to 1
  colourfulness  Hasler and Süsstrunk 2003: 15 is slightly, 45 quite, 82 highly colourful
  L, a, b        overlap of the colours of all pictures with those of the real ones: intersection of histograms of L, a and b
                 (CIE 1976, D65) in bins of one unit, as Isola et al. 2017, figure 7; 1 if they are the same
  FCN            with --fcn: a small fully convolutional network is trained on the real training pictures and their labels,
                 once (the cache folder keeps it), and names the class of each pixel of the held-out ones: share of pixels
                 that are right, mean over the classes of that share, mean over the classes of intersection over union
                 (Long et al. 2015), as Isola et al. 2017, section 4. Wants drawn facades, or a folder in CMP's colours`;

export function evalCommand() {
  return evalFlags()
    .addHelpText('after', EXAMPLES)
    .action((checkpoint, dataroot, flags) =>
      evaluateCheckpoint(checkpoint, dataroot === undefined ? flags : { ...flags, dataroot }),
    );
}
