import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** The short form of `npm run soak`. The long one kills 200 times. */
it('continues bit for bit after kill -9 at random moments', { tags: 'long', timeout: 400_000 }, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/soak/main.mjs', '--kills', '8'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(stdout).toMatch(/\n8 kills, \d of them inside a save, .* all went on bit for bit\n$/);
  expect(status).toBe(0);
});
