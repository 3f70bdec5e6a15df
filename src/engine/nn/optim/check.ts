import { checkOptions, type Rule } from '../../ops/arguments.ts';
import { PixtapeError } from '../../util/errors.ts';

const ANY: Rule = { wanted: 'anything', fits: () => true };

/** @throws PixtapeError if `options` has any other name */
export function checkNames(optimizer: string, known: readonly string[], options: unknown): void {
  checkOptions(optimizer, Object.fromEntries(known.map((name) => [name, ANY])), options);
}

/** @throws PixtapeError if a factor is not finite, is below 0 (or not above `above`), or is not below `below` */
export function checkFactor(
  optimizer: string,
  what: string,
  value: number,
  { above, below }: { above?: number; below?: number } = {},
): void {
  const large = above === undefined ? value >= 0 : value > above;
  if (large && Number.isFinite(value) && (below === undefined || value < below)) return;
  const from = above === undefined ? 'at least 0' : `above ${above}`;
  throw new PixtapeError(`${optimizer}: ${what} must be ${below === undefined ? from : `in [0, ${below})`}`);
}
