/** Names of two folders that belong together. */
export interface MatchedNames {
  /** Left name → right name. */
  pairs: Map<string, string>;
  /** What was looked over, for the user; '' where names are equal. */
  without: string;
}

/** A way to look over a difference: what is left of a name. */
interface Rule {
  what: string;
  key: (name: string) => string;
}

/**
 * Matches the names of two folders, without extensions. Equal ones match, whatever form their accents have and whether
 * blanks follow. Where one side or both are not all matched so, differences that are the same for all are looked over, as
 * few as possible: letters' case, zeros before numbers, an ending or a beginning that all of a side have (`0_mask`, `A100`).
 * @returns the matches of the first rules that find a partner for every name of a side; else those of equal names
 */
export function matchNames(left: readonly string[], right: readonly string[]): MatchedNames {
  const plain = match(left, right, sameText);
  const smaller = Math.min(left.length, right.length);
  if (plain && (plain.size === smaller || smaller === 0)) return { pairs: plain, without: '' };
  for (const rules of rulesFor(left, right)) {
    const key = (side: 0 | 1) => (name: string) =>
      rules.reduce((text, rule) => (rule[side] as Rule).key(text), sameText(name));
    const pairs = match(left, right, key(0), key(1));
    if (pairs?.size === smaller) return { pairs, without: rules.map(([rule]) => rule.what).join(' and ') };
  }
  return { pairs: plain ?? new Map(), without: '' };
}

/** macOS gives accents as signs of their own, others as one with the letter; blanks at an end nobody sees. */
export const sameText = (name: string): string => name.normalize('NFC').trimEnd();

/** Undefined where two names of a side have one key. */
function match(
  left: readonly string[],
  right: readonly string[],
  keyLeft: (name: string) => string,
  keyRight = keyLeft,
): Map<string, string> | undefined {
  const partners = new Map(right.map((name) => [keyRight(name), name]));
  if (partners.size < right.length || new Set(left.map(keyLeft)).size < left.length) return undefined;
  return new Map(
    left.flatMap((name) => {
      const partner = partners.get(keyLeft(name));
      return partner === undefined ? [] : [[name, partner]];
    }),
  );
}

/** Combinations of rules, a rule for each side, the fewest first. */
function rulesFor(left: readonly string[], right: readonly string[]): (readonly [Rule, Rule])[][] {
  const same = (what: string, key: Rule['key']): readonly [Rule, Rule] => [
    { what, key },
    { what, key },
  ];
  const caseless = same('letters’ case', (name) => name.toLowerCase());
  const padding = same('zeros before numbers', (name) => name.replace(/\d+/g, (digits) => String(BigInt(digits))));
  const [a, b] = differing(affixesOf(left), affixesOf(right));
  const shown = [a, b].map(({ before, after }) => [before, after].filter(Boolean).join(' … ')).filter(Boolean);
  const what = `“${shown.join('” and “')}”`;
  const affixes = [
    { what, key: strip(a) },
    { what, key: strip(b) },
  ] as const;
  const alike = a.before === b.before && a.after === b.after;
  const single = [caseless, padding, ...(alike ? [] : [affixes])];
  const combined = single.flatMap((one, i) => single.slice(i + 1).map((other) => [other, one]));
  return [...single.map((one) => [one]), ...combined, ...(single.length === 3 ? [[...single].reverse()] : [])];
}

/** What both sides have is no difference. */
function differing(a: Affixes, b: Affixes): [Affixes, Affixes] {
  const [before, after] = [a.before !== b.before, a.after !== b.after];
  const of = (side: Affixes) => ({ before: before ? side.before : '', after: after ? side.after : '' });
  return [of(a), of(b)];
}

interface Affixes {
  before: string;
  after: string;
}

/** A word that all names begin or end with, with what parts it from the rest: `photo_`, `_mask`, `A` before numbers. */
function affixesOf(names: readonly string[]): Affixes {
  const common = (pattern: RegExp): string => {
    const found = new Set(names.map((name) => pattern.exec(sameText(name))?.[0] ?? ''));
    const [only = ''] = found;
    return found.size === 1 ? only : '';
  };
  return {
    before: common(/^[^\d_\-. ]+[_\-. ]?(?=.)/u),
    after: common(/(?<=.)[_\-. ][^\d_\-. ]+$|(?<=\d)[^\d_\-. ]+$/u),
  };
}

const strip =
  ({ before, after }: Affixes) =>
  (name: string): string => {
    const rest = before !== '' && name.startsWith(before) ? name.slice(before.length) : name;
    return after !== '' && rest.endsWith(after) && rest.length > after.length ? rest.slice(0, -after.length) : rest;
  };
