import { PixtapeError } from '../../../../engine/util/errors.ts';
import type { Emoji } from './emoji.ts';

/**
 * The classes of the tutorial's example, by OpenMoji's code points, chosen by hand. A smile has a closed mouth, a
 * laugh shows teeth, sad faces have lowered corners of the mouth, angry ones lowered eyebrows. Ambiguous faces, such
 * as a smile with a tear or with horns, are left out, and so are faces that augmentation would cut off.
 */
export const SMILEYS: Readonly<Record<string, readonly string[]>> = {
  smile: ['1F642', '1F60A', '263A', '1F60C', '1F607', '1F60E'],
  laugh: ['1F600', '1F603', '1F604', '1F601', '1F606', '1F605', '1F602', '1F923'],
  sad: ['2639', '1F641', '1F61F', '1F61E', '1F622', '1F625', '1F630', '1F613'],
  angry: ['1F620', '1F621', '1F624', '1F92C', '1F47F'],
};

/**
 * One held-out face per class, chosen by hand: with so few faces, a random choice could remove a feature that only one
 * face has, such as the only angry face in plain yellow.
 */
export const HELD_OUT_SMILEYS: ReadonlySet<string> = new Set(['263A', '1F923', '1F61F', '1F621']);

/** A face fills two thirds of its drawing. At this scale its horns, halo or tears still fit. */
export const FACE_ZOOM = 1.1;

/** Finds the faces, in order of their classes. @throws PixtapeError if the package lacks one */
export function chooseSmileys(emojis: readonly Emoji[]): { emojis: Emoji[]; labels: number[]; classes: string[] } {
  const classes = Object.keys(SMILEYS);
  const labels: number[] = [];
  const chosen = Object.values(SMILEYS).flatMap((codes, label) =>
    codes.map((code) => {
      const emoji = emojis.find(({ hexcode }) => hexcode === code);
      if (!emoji) throw new PixtapeError(`openmoji has no ${code}`, 'npm install openmoji@17');
      labels.push(label);
      return emoji;
    }),
  );
  return { emojis: chosen, labels, classes };
}
