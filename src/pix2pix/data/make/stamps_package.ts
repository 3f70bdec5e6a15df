import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { listFolder, makeTemporaryFolder, removeFolder } from '../../../files/folder.ts';
import { STAMPS, STAMPS_PACKAGE } from './photos.ts';

/**
 * Fetches Debian's package of stamps with apt-get and unpacks it with dpkg into a temporary folder while `use` runs.
 * Installs nothing and needs no root.
 * @param say called with progress messages
 * @throws PixtapeError if the system has no apt-get, or it fails
 */
export async function withStampsPackage<T>(
  say: (line: string) => void,
  use: (stamps: string) => Promise<T>,
): Promise<T> {
  const folder = await makeTemporaryFolder('pixtape-stamps-');
  try {
    say(`apt-get download ${STAMPS_PACKAGE} (161 MB), in ${folder}, which is deleted afterwards`);
    await command('apt-get', ['download', STAMPS_PACKAGE], folder);
    const file = (await listFolder(folder))?.find((name) => name.endsWith('.deb'));
    if (file === undefined) throw new PixtapeError('apt-get download left no package');
    const unpacked = join(folder, 'unpacked');
    say(`dpkg -x ${file}`);
    await command('dpkg', ['-x', file, unpacked], folder);
    return await use(join(unpacked, STAMPS));
  } finally {
    await removeFolder(folder);
  }
}

async function command(program: string, args: string[], cwd: string): Promise<void> {
  const elsewhere =
    'Where there is no Debian: get tuxpaint-stamps from https://tuxpaint.org, unpack it, and name its folder "stamps" with --from.';
  const said: Buffer[] = [];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (part: Buffer) => said.push(part));
    child.on('error', (cause) => reject(new PixtapeError(`${program} cannot be run here`, elsewhere, { cause })));
    child.on('close', resolve);
  });
  if (code === 0) return;
  const why = Buffer.concat(said).toString().trim().split('\n').at(-1) ?? '';
  throw new PixtapeError(`${program} ${args.join(' ')} failed (${code}): ${why}`, `Is the network there? ${elsewhere}`);
}
