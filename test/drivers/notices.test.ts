import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build as bundle } from 'esbuild';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { build } from '../cli/command.ts';
import { temporaryFolders } from '../pix2pix/train/tiny.ts';

const root = resolve(import.meta.dirname, '..', '..');
const folder = temporaryFolders();
const NOTICE =
  'Warning: maxDynamicUniformBuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit dynamic offset allocation limit.';

/** Runs a module's text in a separate process that finds the clone's packages. */
function run(text: string, stdio: 'pipe' | number | 'closed') {
  const node = [process.execPath, '--input-type=module', '-e', text] as const;
  const options = { cwd: root, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } } as const;
  if (stdio === 'closed') return spawnSync('sh', ['-c', 'exec "$@" 2>&-', 'sh', ...node], options);
  return spawnSync(node[0], node.slice(1), { ...options, stdio: ['ignore', stdio, stdio] });
}

describe('standard error while Dawn looks for adapters', () => {
  beforeEach(({ skip }) => skip(process.platform !== 'linux', 'Dawn is filtered on Linux only'));
  let quiet: string;
  beforeAll(async () => {
    const { outputFiles } = await bundle({
      entryPoints: [join(root, 'src', 'drivers', 'dawn', 'notices.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      write: false,
    });
    quiet = outputFiles[0]?.text.replace(/^export \{[^}]*\};?/m, '') ?? '';
  });

  /** Writes as native code does, bypassing Node's streams. */
  const body = `
import { writeSync } from 'node:fs';
const quietly = await withoutNotices();
const say = (text) => writeSync(2, text + '\\n');
say('before');
const seven = quietly(() => (say('driver: a fault'), say('${NOTICE}'), say('not the last'), 7));
writeSync(1, 'between\\n');
try { quietly(() => { say('${NOTICE}'); say('and then'); throw new Error('thrown'); }); } catch ({ message }) { say(message); }
say('after ' + seven);
`;

  it('gets everything but the notice, in order', () => {
    const { stdout, stderr } = run(quiet + body, 'pipe');
    expect(stderr).toBe('before\ndriver: a fault\nnot the last\nand then\nthrown\nafter 7\n');
    expect(stdout).toBe('between\n');
  });

  it('can share a file with standard output', () => {
    const path = join(folder(), 'log');
    const file = openSync(path, 'w');
    run(quiet + body, file);
    closeSync(file);
    expect(readFileSync(path, 'utf8')).toBe(
      'before\ndriver: a fault\nnot the last\nbetween\nand then\nthrown\nafter 7\n',
    );
  });

  it('may be closed', () => {
    const text = `${quiet}\nconst quietly = await withoutNotices();\nconsole.log(quietly(() => 7));`;
    expect(run(text, 'closed').stdout).toBe('7\n');
  });
});

it('a program that opens a device writes nothing to standard error', { timeout: 120_000 }, () => {
  build();
  const library = pathToFileURL(join(root, 'dist', 'lib', 'node.js')).href;
  const text = `import { openDevice } from '${library}';
const device = await openDevice();
console.log(device.description);
device.destroy();
process.exit(0);`;
  const { stdout, stderr } = run(text, 'pipe');
  expect(stdout).toMatch(/\w{3}/);
  expect(stderr).toBe('');
});
