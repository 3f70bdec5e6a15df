import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..', '..');
const tsc = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc');

it('npm run typecheck reads every TypeScript file', () => {
  const read = ['.', 'src/web'].flatMap((project) =>
    execFileSync(process.execPath, [tsc, '-p', project, '--listFilesOnly'], { cwd: root, encoding: 'utf8' })
      .split('\n')
      .map((file) => resolve(root, file)),
  );
  const files = ['src', 'test', 'bench', 'tools', 'scripts', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(root, folder, file)),
  );
  expect(files.length).toBeGreaterThan(500);
  expect(files.filter((file) => !read.includes(file))).toEqual([]);
});
