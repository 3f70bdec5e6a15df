import { PixtapeError } from '../../engine/util/errors.ts';
import { checkedWord } from './checked_word.ts';
import type { CommandUnknownOpts } from './commander.ts';
import { type Answer, FOREIGN } from './foreign.ts';

/**
 * Rewrites a command line to the declared flags: `--batch-size` becomes `--batch_size`, `--no_flip` becomes
 * `--no-flip`, and flags of other pix2pix programs become ours if they mean the same (see `FOREIGN`). Keeps the values
 * of flags, even if they begin with `--`.
 * @param program the command that `argv` is for, with its subcommands
 * @throws PixtapeError naming the flags without a counterpart, with what to do instead; and as `checkedWord` does
 */
export function readArguments(program: CommandUnknownOpts, argv: readonly string[]): string[] {
  const words = argv.map(checkedWord);
  const read: string[] = [];
  const refused = new Map<string, string>();
  let command = program;
  for (let i = 0; i < words.length; ) {
    const word = words[i++] as string;
    if (word === '--') {
      read.push(word, ...words.slice(i));
      break;
    }
    if (!word.startsWith('--')) {
      command = command.commands.find((sub) => sub.name() === word) ?? command;
      read.push(word);
      continue;
    }
    /** Adds a flag of the command, with the next word if that is its value. */
    const add = (name: string, value: string | undefined) => {
      read.push(`--${declared(name)}${value === undefined ? '' : `=${value}`}`);
      if (value === undefined && optionOf(command, name)?.required && i < words.length) read.push(words[i++] as string);
    };
    const { name, value } = parts(word);
    const [answer, ofValue] = answerTo(name, value ?? words[i], command);
    if (ofValue && value === undefined) i++;
    const same = answer ? answer.as : [name];
    if (same?.every((ours) => optionOf(command, parts(`--${ours}`).name))) {
      for (const ours of same) {
        const part = parts(`--${ours}`);
        add(part.name, part.value ?? value);
      }
    } else {
      const instead = answer?.instead ?? whereElse(same?.[0] ?? name, program);
      if (instead === undefined) add(name, value);
      else refused.set(`--${name}`, instead);
    }
  }
  if (refused.size > 0) throw refusal(command, refused);
  return read;
}

/** The name of a flag, with underscores, and the value after `=`. */
function parts(word: string): { name: string; value: string | undefined } {
  const equals = word.indexOf('=');
  const name = (equals < 0 ? word.slice(2) : word.slice(2, equals)).replace(/-/g, '_');
  return { name, value: equals < 0 ? undefined : word.slice(equals + 1) };
}

/**
 * The row of `FOREIGN` for this value of a flag, or for a flag that the command lacks; and whether it is for the value.
 */
function answerTo(name: string, value: string | undefined, command: CommandUnknownOpts): [Answer?, boolean?] {
  const row = (key: string): Answer | undefined => {
    const answer = Object.hasOwn(FOREIGN, key) ? FOREIGN[key] : undefined;
    return answer && (answer.only?.includes(command.name()) ?? true) ? answer : undefined;
  };
  const ofValue = row(`${name}=${value}`);
  if (ofValue) return [ofValue, true];
  return optionOf(command, name) ? [] : [row(name)];
}

/** Flags are declared with underscores, but commander expects `no-` with a dash. */
const declared = (name: string): string => name.replace(/^no_/, 'no-');

const optionOf = (command: CommandUnknownOpts, name: string) =>
  command.options.find(({ long }) => long === `--${declared(name)}`);

/** Names the commands that have a flag; undefined if there are none. */
function whereElse(ours: string, program: CommandUnknownOpts): string | undefined {
  const { name, value } = parts(`--${ours}`);
  const owners = program.commands.filter((command) => optionOf(command, name));
  if (owners.length === 0) return undefined;
  const flag = `--${name}${value === undefined ? '' : ` ${value}`}`;
  return `It is ${flag} of ${owners.map((owner) => fullName(owner)).join(', ')}.`;
}

function fullName(command: CommandUnknownOpts): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

/** Names all refused flags at once, so that a command line can be corrected in one go. */
function refusal(command: CommandUnknownOpts, refused: ReadonlyMap<string, string>): PixtapeError {
  const flags = [...refused.keys()];
  const [only = '', ...more] = new Set(refused.values());
  const hint = more.length === 0 ? only : [...refused].map(([flag, instead]) => `${flag}: ${instead}`).join('\n    ');
  const details = { flags };
  return new PixtapeError(`${fullName(command)} has no ${flags.join(', ')}`, hint, { details });
}
