/** Commander with inferred types of options and arguments. The package of types is not needed at run time. */
import type * as Typed from '@commander-js/extra-typings';
import * as commander from 'commander';

export type { Command as TypedCommand, CommandUnknownOpts } from '@commander-js/extra-typings';
export { InvalidArgumentError } from 'commander';

export const Command = commander.Command as unknown as typeof Typed.Command;
export const Option = commander.Option as unknown as typeof Typed.Option;
