import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'pixtape-alone-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Records when it begins and ends, in a file that all of them share; argv[1] makes it die in between. */
const WORK = `
  import { appendFileSync } from 'node:fs';
  import { alone } from '${pathToFileURL(resolve('scripts/build/alone.mjs')).href}';
  await alone('lock', () => appendFileSync('waited', 'x'), async () => {
    appendFileSync('log', '[');
    await new Promise((done) => setTimeout(done, 100));
    if (process.argv[1] === 'die') process.kill(process.pid, 'SIGKILL');
    appendFileSync('log', ']');
  });
`;
const run = (...args: string[]) =>
  new Promise((done) => {
    spawn(process.execPath, ['--input-type=module', '-e', WORK, ...args], { cwd: folder, stdio: 'inherit' }).on(
      'close',
      done,
    );
  });

it('lets one command at a time set up the clone, and takes over from one that was killed', async () => {
  await run('die');
  expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('[');
  writeFileSync(join(folder, 'log'), '');
  await Promise.all(Array.from({ length: 5 }, () => run()));
  expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('[][][][][]');
  expect(readFileSync(join(folder, 'waited'), 'utf8').length).toBeGreaterThan(0);
});
