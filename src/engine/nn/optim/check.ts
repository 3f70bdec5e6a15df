import { PixtapeError } from '../../util/errors.ts';

/** @throws PixtapeError if a factor is not finite, below 0 (or not above `above`), or not below `below` */
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
