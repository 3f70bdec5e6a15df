import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { amount } from '../sets.ts';

const kills = amount(2, 8);

/** The short form of `npm run soak`; the long one kills 200 times. */
it('goes on bit for bit after kill -9 at random moments', { timeout: 400_000 }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/soak/main.mjs', '--kills', String(kills)], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(stdout).toMatch(new RegExp(`\n${kills} kills, \\d of them inside a save, .* all went on bit for bit\n$`));
  expect(status).toBe(0);
});
