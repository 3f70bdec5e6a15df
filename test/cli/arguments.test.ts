import { expect, it } from 'vitest';
import { freshGanConfig } from '../../src/cli/gan/config.ts';
import { ganFlags } from '../../src/cli/gan/flags.ts';
import { normaliseFlags } from '../../src/cli/shared/arguments.ts';
import { inAscii, lacksSigns } from '../../src/cli/shared/encoding.ts';
import { givenFlags } from '../../src/cli/shared/flags.ts';
import { trainFlags } from '../../src/cli/train/flags.ts';

it('takes dashes for underscores, negations, values, and old names', () => {
  expect(normaliseFlags(['train', '--batch-size=2', '--no-flip', '--no_dropout', '--lambda_L1', '-3'])).toEqual([
    'train',
    '--batch_size=2',
    '--no-flip',
    '--no-dropout',
    '--lambda_L1',
    '-3',
  ]);
  expect(normaliseFlags(['--recompute', '--no-recompute', '--', '--recompute'])).toEqual([
    '--checkpoint_activations',
    '--no-checkpoint_activations',
    '--',
    '--recompute',
  ]);
  const { checkpoint_activations } = trainFlags()
    .parse(normaliseFlags(['--recompute']), { from: 'user' })
    .opts();
  expect(checkpoint_activations).toBe(true);
});

it('takes label smoothing by either name, but not by both', () => {
  const targetOf = (...argv: string[]) => {
    const command = ganFlags().parse(argv, { from: 'user' });
    return freshGanConfig(command.opts(), givenFlags(command, command.opts())).realTarget;
  };
  expect(targetOf()).toBe(1);
  expect(targetOf('--preset', 'quick')).toBe(0.9);
  expect(targetOf('--label_smoothing', '0.1')).toBe(0.9);
  expect(targetOf('--preset', 'quick', '--label_smoothing', '0')).toBe(1);
  expect(targetOf('--real_target', '0.8')).toBe(0.8);
  expect(() => targetOf('--real_target', '0.8', '--label_smoothing', '0.2')).toThrow(/say the same/);
});

it('signs are written in ASCII where the locale has no others, and paths stay as they are', () => {
  expect(inAscii(' ██░░  50% │ step 5/10 · 64 × 64 → out … größe')).toBe(
    ' ##..  50% | step 5/10 - 64 x 64 -> out ... größe',
  );
  for (const env of [{}, { LANG: 'de_DE.UTF-8' }, { LANG: 'C', LC_ALL: 'C.utf8' }]) expect(lacksSigns(env)).toBe(false);
  for (const env of [{ LANG: 'C' }, { LANG: 'de_DE.UTF-8', LC_ALL: 'POSIX' }, { LC_CTYPE: 'de_DE.ISO-8859-1' }]) {
    expect(lacksSigns(env)).toBe(true);
  }
});
