import { PixtapeError } from '../engine/util/errors.ts';
import { type Member, nameOf, type RankGroup } from './group.ts';

/** What a rank is about to do: values by name. */
export type Description = Readonly<Record<string, string>>;

/**
 * Checks before the ranks begin that all are about to do the same.
 * @throws PixtapeError on every rank, naming the first rank that differs from rank 0, and the value that differs
 */
export async function requireSame(group: RankGroup, own: Description): Promise<void> {
  const found = firstDifference(await group.all(own), group.members);
  if (found) throw new PixtapeError(found, 'Start all ranks with the same program, flags, pictures and checkpoint.');
}

/** The first difference from rank 0 as a sentence; undefined if there is none. */
export function firstDifference(descriptions: readonly Description[], members: readonly Member[]): string | undefined {
  const [first, ...others] = descriptions;
  for (const [i, other] of others.entries()) {
    for (const what of Object.keys({ ...first, ...other })) {
      const [theirs, ours] = [other[what] ?? 'none', first?.[what] ?? 'none'];
      if (theirs === ours) continue;
      return `${nameOf(members[i + 1] as Member)} has ${what} ${theirs}, ${nameOf(members[0] as Member)} has ${ours}`;
    }
  }
  return undefined;
}
