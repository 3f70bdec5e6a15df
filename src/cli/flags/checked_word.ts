import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';

const QUOTES = `'"\`‘’“”„«»`;
const QUOTED = new RegExp(`^[${QUOTES}]+(?=.)|(?<=.)[${QUOTES}]+$`, 'gu');
const VARIABLE = /^(\$\w+|\$\{\w+\}|%\w+%)(?=[\\/]|$)/;

/**
 * Checks a word of the command line for accidents of a shell: an unexpanded `~` or variable, a stray quotation mark, a
 * Windows line end. Accepts the word if a file has that name.
 * @throws PixtapeError naming the word and the likely intention
 */
export function checkedWord(word: string): string {
  const value = /^--[\w-]+=/.test(word) ? word.slice(word.indexOf('=') + 1) : word;
  const blame = (what: string, hint: string) => {
    if (value === '' || existsSync(value)) return;
    throw new PixtapeError(`${JSON.stringify(value)} ${what}`, hint, { details: { word } });
  };
  if (word.endsWith('\r')) {
    blame('ends in a carriage return', 'The script has Windows line ends: save it with Unix ones.');
  }
  if (/^~([\\/]|$)/.test(value)) {
    const meant = join(homedir(), value.slice(2));
    blame('begins with ~, which the shell does not expand in quotation marks and after =', `Write ${meant}`);
  }
  const variable = VARIABLE.exec(value)?.[0];
  if (variable) blame(`begins with ${variable}, which the shell has not expanded`, 'Leave single quotation marks out.');
  const bare = value.replace(QUOTED, '');
  if (bare !== value) blame('has a stray quotation mark', `Write ${bare}, or "${bare}" if it has spaces.`);
  return word;
}
