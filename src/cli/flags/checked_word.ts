import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';

const QUOTES = `'"\`‘’“”„«»`;
const QUOTED = new RegExp(`^[${QUOTES}]+(?=.)|(?<=.)[${QUOTES}]+$`, 'gu');
const VARIABLE = /^(\$\w+|\$\{\w+\}|%\w+%)(?=[\\/]|$)/;

/**
 * Looks at a word of the command line for what a shell leaves in it by accident: a `~` or a variable that it did not
 * replace, a stray quotation mark, the line end of a script from Windows. A file that is called so is taken as it is.
 * @throws PixtapeError naming the word and what was meant
 */
export function checkedWord(word: string): string {
  const value = /^--[\w-]+=/.test(word) ? word.slice(word.indexOf('=') + 1) : word;
  const blame = (what: string, hint: string) => {
    if (value === '' || existsSync(value)) return;
    throw new PixtapeError(`${JSON.stringify(value)} ${what}`, hint, { details: { word } });
  };
  if (word.endsWith('\r')) {
    blame('ends in a carriage return', 'The script has line ends of Windows: save it with those of Unix.');
  }
  if (/^~([\\/]|$)/.test(value)) {
    const meant = join(homedir(), value.slice(2));
    blame('begins with ~, which the shell leaves as it is in quotation marks and behind =', `Write ${meant}`);
  }
  const variable = VARIABLE.exec(value)?.[0];
  if (variable) blame(`begins with ${variable}, which the shell has not replaced`, 'Leave single quotation marks out.');
  const bare = value.replace(QUOTED, '');
  if (bare !== value) blame('has a stray quotation mark', `Write ${bare}, or "${bare}" where it has spaces.`);
  return word;
}
