import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { PixtapeError } from '../../engine/util/errors.ts';
import { cacheDirectory } from '../../files/cache.ts';
import { DiskError } from '../../files/disk_error.ts';
import { makeFolder, makeTemporaryFolder, move, removeFolder } from '../../files/folder.ts';

/** The archive also holds OpenGL libraries, which are more than half of its bytes. */
const FILES = ['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'];
const INSTALL = 'npm install --no-save @sparticuz/chromium@147.0.0 tar@7';

export interface SwiftShader {
  icd: string;
  /** A Vulkan loader, for systems without one. */
  loader: string;
}

/** Why SwiftShader cannot run on this machine; undefined if it can. */
export function swiftShaderUnsupported(): string | undefined {
  if (process.platform === 'linux' && process.arch === 'x64') return undefined;
  return `the npm package holds it for Linux on x64 only, this is ${process.platform} on ${process.arch}`;
}

/**
 * Unpacks Google's software Vulkan driver from the package @sparticuz/chromium, a headless Chromium that ships it, once
 * per version into the cache folder. Throws a PixtapeError if the package is missing or the folder cannot be written.
 */
export async function unpackSwiftShader(): Promise<SwiftShader> {
  const packageFolder = findPackage();
  const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as { version: string };
  const cache = cacheDirectory();
  const folder = join(cache, `swiftshader-${version}`);
  if (!FILES.every((name) => existsSync(join(folder, name)))) {
    try {
      await unpack(join(packageFolder, 'bin', 'swiftshader.tar.br'), cache, folder);
    } catch (error) {
      if (error instanceof PixtapeError && !(error instanceof DiskError)) throw error;
      const [why] = (error instanceof Error ? error.message : String(error)).split('\n');
      throw new PixtapeError(
        `could not unpack SwiftShader into ${folder}: ${why}`,
        'Set XDG_CACHE_HOME to a folder that can be written and has 10 MB free.',
        { cause: error },
      );
    }
  }
  return { icd: join(folder, 'vk_swiftshader_icd.json'), loader: join(folder, 'libvulkan.so.1') };
}

function findPackage(): string {
  try {
    // The package does not export its package.json. Its entry point is in build/cjs/.
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
    return join(dirname(entry), '..', '..');
  } catch (error) {
    throw new PixtapeError('the package @sparticuz/chromium, which holds SwiftShader, is not installed', INSTALL, {
      cause: error,
    });
  }
}

async function unpack(archive: string, cache: string, folder: string): Promise<void> {
  const tar = await import('tar').catch((error: unknown) => {
    throw new PixtapeError('the package tar, which unpacks SwiftShader, is not installed', INSTALL, { cause: error });
  });
  const bytes = await promisify(brotliDecompress)(await readFile(archive));
  await makeFolder(cache);
  // Unpack into a folder of its own and rename it, so that another process sees the whole driver or nothing.
  const partial = await makeTemporaryFolder('unpacking-', cache);
  try {
    const wanted = (path: string) => FILES.includes(path.replace(/^\.\//, ''));
    await pipeline(Readable.from([bytes]), tar.extract({ cwd: partial, strict: true, filter: wanted }));
    const missing = FILES.filter((name) => !existsSync(join(partial, name)));
    if (missing.length > 0) throw new Error(`${missing.join(', ')} not in ${archive}`);
    await replace(partial, folder);
  } finally {
    await removeFolder(partial);
  }
}

/** Renames `partial` to `folder`. Keeps a complete folder that another process put there, replaces a damaged one. */
async function replace(partial: string, folder: string): Promise<void> {
  try {
    await move(partial, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    if (FILES.every((name) => existsSync(join(folder, name)))) return;
    await removeFolder(folder);
    await move(partial, folder);
  }
}
