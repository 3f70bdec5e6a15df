import { Tensor } from '../tape/tensor.ts';
import { PixtapeError } from '../util/errors.ts';

/** What an argument may be. Each public function checks its arguments by a table of rules, by name. */
export interface Rule {
  /** What is wanted, in the error's words: "a whole number of at least 1". */
  wanted: string;
  fits(value: unknown): boolean;
}

/** A tensor. */
export const aTensor: Rule = { wanted: 'a tensor', fits: (value) => value instanceof Tensor };

/** A number from `least` to `most`, not NaN. Infinity is allowed within these bounds, unless `finite`. */
export function aNumber({ least = -Infinity, most = Infinity, finite = false } = {}): Rule {
  return {
    wanted: `a ${finite ? 'finite ' : ''}number${range(least, most)}`,
    fits: (value) => {
      if (typeof value !== 'number' || Number.isNaN(value) || (finite && !Number.isFinite(value))) return false;
      return value >= least && value <= most;
    },
  };
}

/** A whole number from `least` to `most`. */
export function aWholeNumber(least = 0, most = Infinity): Rule {
  return {
    wanted: `a whole number${range(least, most)}`,
    fits: (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
  };
}

function range(least: number, most: number): string {
  if (least === -Infinity) return most === Infinity ? '' : ` of at most ${most}`;
  return most === Infinity ? ` of at least ${least}` : ` from ${least} to ${most}`;
}

/** `true` or `false`. */
export const aBoolean: Rule = { wanted: 'true or false', fits: (value) => typeof value === 'boolean' };

/** One of these words. */
export function oneOf(...words: readonly string[]): Rule {
  return { wanted: words.map((word) => `'${word}'`).join(' or '), fits: (value) => words.includes(value as string) };
}

/** Accepts what either rule accepts. */
export function either(a: Rule, b: Rule): Rule {
  return { wanted: `${a.wanted} or ${b.wanted}`, fits: (value) => a.fits(value) || b.fits(value) };
}

/** A list of values that all fit the rule; of this length, if given. */
export function aList(of: Rule, length?: number): Rule {
  return {
    wanted: `a list of ${length ?? 'values'}${length === undefined ? '' : ' values'}, each ${of.wanted}`,
    fits: (value) =>
      Array.isArray(value) && (length === undefined || value.length === length) && value.every((v) => of.fits(v)),
  };
}

/** Accepts what the rule accepts, or undefined. */
export function optional(rule: Rule): Rule {
  return { wanted: rule.wanted, fits: (value) => value === undefined || rule.fits(value) };
}

/**
 * Checks an operation's arguments. Options are one argument with a table of their own: `checkArguments('pad', { x:
 * aTensor }, { x })`, `checkOptions('pad', { mode: optional(oneOf('zero')) }, options)`.
 * @throws PixtapeError that names the operation, the argument and its value, or if a tensor's device is gone
 */
export function checkArguments(
  operation: string,
  rules: Readonly<Record<string, Rule>>,
  values: Readonly<Record<string, unknown>>,
): void {
  for (const [name, rule] of Object.entries(rules)) {
    const value = values[name];
    // Views dispatch nothing, so nothing else would notice a lost device.
    if (value instanceof Tensor) value.device.throwIfBroken();
    if (rule.fits(value)) continue;
    throw new PixtapeError(`${operation}: ${name} is ${shown(value)}; it must be ${rule.wanted}`, undefined, {
      details: { operation, argument: name, value },
    });
  }
}

/** As `checkArguments`, for an object that may hold only what the rules name. */
export function checkOptions(operation: string, rules: Readonly<Record<string, Rule>>, options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options) || options instanceof Tensor) {
    throw new PixtapeError(`${operation}: the options are ${shown(options)}; expected an object`, undefined, {
      details: { operation, argument: 'options', value: options },
    });
  }
  const unknownName = Object.keys(options).find((name) => !(name in rules));
  if (unknownName !== undefined) {
    const known = Object.keys(rules);
    throw new PixtapeError(
      `${operation}: there is no option ${unknownName}`,
      known.length > 0 ? `It takes ${known.join(', ')}.` : 'It takes none.',
      { details: { operation, argument: unknownName } },
    );
  }
  checkArguments(operation, rules, options as Readonly<Record<string, unknown>>);
}

/** A value as an error shows it. */
function shown(value: unknown): string {
  if (value instanceof Tensor) return `the tensor ${value.label} [${value.shape}]`;
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return 'a function';
  if (Object.is(value, -0)) return '-0';
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `an object with ${Object.keys(value).join(', ') || 'nothing'}`;
  return String(value);
}
