import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const cwd = resolve(import.meta.dirname, '..', '..');

/** What the set-up says about versions of Node. It is plain JavaScript, which runs before anything is installed. */
function faults(versions: readonly (readonly string[])[]): (string | null)[] {
  const script = `import { tooOld } from './scripts/setup.mjs';
    const faults = ${JSON.stringify(versions)}.map((version) => tooOld(...version) ?? null);
    console.log(JSON.stringify(faults));`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd, encoding: 'utf8' }));
}

it('rejects a Node that is too old, for everything or for one command', () => {
  // sharp reads its package.json by an import attribute, which Node has since 20.10.
  const all = [['18.20.1'], ['20.9.0'], ['20.10.0'], ['22.0.0'], ['100.0.0']];
  const tests = [
    ['20.18.3', '20.19'],
    ['20.19.0', '20.19'],
    ['21.0.0', '20.19'],
    ['20.9.0', '20.19'],
  ];
  expect(faults([...all, ...tests])).toEqual([
    'pixtape needs Node 20.10 or newer, this is 18.20.1',
    'pixtape needs Node 20.10 or newer, this is 20.9.0',
    null,
    null,
    null,
    'pixtape itself runs on Node 20.10, but this command needs Node 20.19 or newer, this is 20.18.3',
    null,
    null,
    'pixtape itself runs on Node 20.10, but this command needs Node 20.19 or newer, this is 20.9.0',
  ]);
});
