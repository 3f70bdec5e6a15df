import { failureOf } from './remote.ts';

/**
 * An error's text for the page, without hints that name command-line flags.
 */
export function explain(error: unknown): string {
  const { message, hint } = failureOf(error);
  const said = plain(message);
  const helps = hint !== undefined && !/--\w|\bpixtape \w/.test(hint);
  return helps ? `${/[.!?]$/.test(said) ? said : `${said}.`} ${hint}` : said;
}

/** A warning without the name of the flag: the page always skips bad files. */
export const plain = (line: string): string => line.replace(' (--skip_bad)', '');
