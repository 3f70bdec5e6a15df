import type { Made } from '../../pix2pix/data/make/build_pairs.ts';
import { shellQuoted } from '../run/text.ts';
import { counter } from '../shared/counter.ts';

/** Output of the commands that make data. */
export const warn = (line: string) => console.warn(`warning: ${line}`);

/** Shows progress on a terminal. */
export const counted = (what: string) => counter((done, total) => `${done} of ${total} ${what}`);

export function tellCounts(out: string, { train, test }: Made, what = 'pairs'): void {
  console.log(`${out}: ${test > 0 ? `${train} ${what} in train, ${test} in test` : `${train} ${what}`}`);
}

export function tellHowToTrain(out: string): void {
  console.log(`train on it: npx pixtape train --dataroot ${shellQuoted(out)}`);
}
