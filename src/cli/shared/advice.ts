import { PixtapeError } from '../../engine/util/errors.ts';

/**
 * Command-line advice on an error of the engine, which knows no flags; undefined if the error's own hint is enough.
 * @param command the command that failed
 */
export function flagAdvice({ code, hint }: PixtapeError, command?: string): string | undefined {
  if (hint?.includes('--')) return undefined;
  if (code === 'out-of-memory') return 'Here: a smaller --batch_size, --crop_size or --ngf, or another --adapter.';
  if (code === 'device-lost') {
    const trains = command === 'train' || command === 'gan';
    return trains
      ? 'Here: start again with --continue_train, which goes on from the last checkpoint.'
      : 'Here: run the command again.';
  }
  if (code === 'unsupported') return 'Here: leave --precision out, which means f32, or take another --adapter.';
  return undefined;
}

/** Formats an error for people, with advice; a bug with its stack trace. */
export function errorText(error: unknown, command = process.argv[2]): string {
  if (!(error instanceof PixtapeError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const advice = flagAdvice(error, command);
  return `${error.message}${advice ? `\n  → ${advice}` : ''}`;
}
