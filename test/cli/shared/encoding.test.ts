import { expect, it } from 'vitest';
import { inAscii, lacksSigns } from '../../../src/cli/shared/encoding.ts';

it('signs are written in ASCII if the locale has no others, and paths stay unchanged', () => {
  expect(inAscii(' ██░░  50% │ step 5/10 · 64 × 64 → out … größe')).toBe(
    ' ##..  50% | step 5/10 - 64 x 64 -> out ... größe',
  );
  for (const env of [{}, { LANG: 'de_DE.UTF-8' }, { LANG: 'C', LC_ALL: 'C.utf8' }]) expect(lacksSigns(env)).toBe(false);
  for (const env of [{ LANG: 'C' }, { LANG: 'de_DE.UTF-8', LC_ALL: 'POSIX' }, { LC_CTYPE: 'de_DE.ISO-8859-1' }]) {
    expect(lacksSigns(env)).toBe(true);
  }
});
