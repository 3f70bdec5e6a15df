/** Matched names of two folders. */
export interface MatchedNames {
  /** Left name → right name. */
  pairs: Map<string, string>;
  /** Tells the user which differences were ignored; '' if names are equal. */
  without: string;
}

/** A rule that ignores a difference: maps a name to what remains of it. */
interface Rule {
  what: string;
  key: (name: string) => string;
}

/**
 * Matches the names of two folders, without extensions. Equal names match, regardless of the Unicode form of accents
 * and of trailing blanks. If this leaves names of either side unmatched, consistent differences are ignored, as few as
 * possible: letter case, leading zeros, and a prefix or suffix that all names of a side share (`0_mask`, `A100`).
 * @returns the matches of the first rules that match every name of one side; otherwise those of equal names
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

/**
 * macOS stores accents as separate characters, other systems together with the letter. Trailing blanks are invisible.
 */
export const sameText = (name: string): string => name.normalize('NFC').trimEnd();

/** Undefined if two names of a side have the same key. */
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

/** Combinations of rules, one per side, fewest first. */
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

/** Excludes affixes that both sides share. */
function differing(a: Affixes, b: Affixes): [Affixes, Affixes] {
  const [before, after] = [a.before !== b.before, a.after !== b.after];
  const of = (side: Affixes) => ({ before: before ? side.before : '', after: after ? side.after : '' });
  return [of(a), of(b)];
}

interface Affixes {
  before: string;
  after: string;
}

/** A word that all names begin or end with, including its separator: `photo_`, `_mask`, or `A` before numbers. */
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
