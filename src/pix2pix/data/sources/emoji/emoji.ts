import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PixtapeError } from '../../../../engine/util/errors.ts';

/** One picture of OpenMoji (https://openmoji.org, CC BY-SA 4.0). */
export interface Emoji {
  /** Its code points, `1F468-200D-1F373`, which also name its files. */
  hexcode: string;
  /** What it shows, in English. */
  annotation: string;
  group: string;
  subgroup: string;
}

export interface EmojiPackage {
  /** The package's folder and version. */
  root: string;
  version: string;
  /** All but the skin-tone variants, in the package's order. */
  emojis: Emoji[];
}

export const OPENMOJI_CREDITS =
  'Pictures: OpenMoji, the open-source emoji and icon project (https://openmoji.org), licence CC BY-SA 4.0 ' +
  '(https://creativecommons.org/licenses/by-sa/4.0/)';

/** Reads the npm package's list. @throws PixtapeError saying what to install, if it is missing */
export function readEmojiPackage(): EmojiPackage {
  const manifest = findManifest();
  const root = dirname(manifest);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const rows = JSON.parse(readFileSync(join(root, 'data', 'openmoji.json'), 'utf8')) as (Record<
    'hexcode' | 'annotation' | 'group' | 'subgroups',
    string
  > & { skintone: number | '' })[];
  const emojis = rows
    .filter((row) => row.skintone === '')
    .map(({ hexcode, annotation, group, subgroups }) => ({ hexcode, annotation, group, subgroup: subgroups }));
  return { root, version, emojis };
}

/** Looks beside this program, and in the current directory. */
function findManifest(): string {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return createRequire(from).resolve('openmoji/package.json');
    } catch {
      // Not found from here.
    }
  }
  throw new PixtapeError(
    'the data set "openmoji" needs the npm package openmoji, which is not installed',
    'npm install openmoji@17 (4 MB; OpenMoji, CC BY-SA 4.0)',
  );
}

/**
 * Selects the emojis of some groups or subgroups; all by default. A name that is both (the "extras-openmoji" have
 * subgroups like "flags") means the group; GROUP/SUBGROUP means one subgroup.
 * @throws PixtapeError listing the valid names, if one is unknown
 */
export function chooseEmojis(emojis: readonly Emoji[], names: readonly string[] = []): Emoji[] {
  if (names.length === 0) return [...emojis];
  const groups = new Map<string, Set<string>>();
  for (const { group, subgroup } of emojis) groups.set(group, (groups.get(group) ?? new Set()).add(subgroup));
  const fits = (name: string, { group, subgroup }: Emoji) =>
    groups.has(name) ? group === name : subgroup === name || `${group}/${subgroup}` === name;
  const unknown = names.filter((name) => !emojis.some((emoji) => fits(name, emoji)));
  if (unknown.length > 0) {
    const list = [...groups].map(([group, subgroups]) => `    ${group}: ${[...subgroups].sort().join(', ')}`);
    throw new PixtapeError(
      `openmoji has no group or subgroup ${unknown.map((name) => `"${name}"`).join(', ')}`,
      `Groups and their subgroups are\n${list.join('\n')}`,
    );
  }
  return emojis.filter((emoji) => names.some((name) => fits(name, emoji)));
}

/** Man, woman and person: "man cook" and "cook" share a drawing, so they have the same base. */
const PEOPLE = new Set(['1F468', '1F469', '1F9D1']);

/** An emoji's base: its first code point. Variants must not be split between training and testing. */
export function baseOf({ hexcode }: Pick<Emoji, 'hexcode'>): string {
  const first = hexcode.split('-')[0] as string;
  return PEOPLE.has(first) ? 'person' : first;
}
