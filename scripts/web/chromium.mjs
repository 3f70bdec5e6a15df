/**
 * Gets a real browser from npm alone. @sparticuz/chromium ships a headless Chromium, the few libraries that a bare Linux
 * lacks (NSS, NSPR, expat), SwiftShader and a font, all compressed. This unpacks them once into the cache folder;
 * playwright-core drives the browser. Only tests and screenshots need it.
 */
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { chromium } from 'playwright-core';
import { extract } from 'tar';

const FLAGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Without one of these it does not start, or has no WebGPU. */
const FILES = [
  ...['chromium', 'fonts', 'fonts.conf', 'lib', 'locales'],
  ...['libEGL.so', 'libGLESv2.so', 'libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'],
];

/**
 * Starts Chromium with WebGPU on SwiftShader. Close it when done.
 * @returns {Promise<import('playwright-core').Browser>}
 * @throws Error that says why none can be started here
 */
export async function launchChromium() {
  const { program, libraries, fonts } = await unpackChromium();
  const inherited = process.env.LD_LIBRARY_PATH;
  return chromium.launch({
    executablePath: program,
    args: FLAGS,
    env: {
      ...process.env,
      LD_LIBRARY_PATH: inherited ? `${libraries}:${inherited}` : libraries,
      FONTCONFIG_FILE: fonts,
    },
  });
}

async function unpackChromium() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`@sparticuz/chromium is for Linux on x64, this is ${process.platform} on ${process.arch}`);
  }
  // The package does not export its package.json. Its entry point is in build/cjs/.
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium');
  const packageFolder = join(dirname(entry), '..', '..');
  const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'));
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pixtape');
  const folder = join(cache, `chromium-${version}`);
  if (!isWhole(folder)) await unpack(join(packageFolder, 'bin'), cache, folder);
  return { program: join(folder, 'chromium'), libraries: join(folder, 'lib'), fonts: join(folder, 'fonts.conf') };
}

/** A program that cleans caches may have removed single files. */
function isWhole(folder) {
  return FILES.every((name) => existsSync(join(folder, name)));
}

/** Unpacks into a folder of its own and renames it, so that another process sees the whole browser or nothing. */
async function unpack(from, cache, folder) {
  await mkdir(cache, { recursive: true });
  const partial = await mkdtemp(join(cache, 'unpacking-'));
  try {
    const program = join(partial, 'chromium');
    await decompress(join(from, 'chromium.br'), createWriteStream(program));
    await chmod(program, 0o755);
    for (const name of ['swiftshader', 'al2023', 'fonts']) {
      await decompress(join(from, `${name}.tar.br`), extract({ cwd: partial, strict: true }));
    }
    const fonts = `<fontconfig><dir>${join(folder, 'fonts')}</dir><cachedir>${join(folder, 'fonts')}</cachedir></fontconfig>`;
    await writeFile(join(partial, 'fonts.conf'), `<?xml version="1.0"?>\n${fonts}\n`);
    if (!isWhole(folder)) await rm(folder, { recursive: true, force: true });
    await rename(partial, folder).catch((error) => {
      if (!isWhole(folder)) throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

function decompress(archive, target) {
  return pipeline(createReadStream(archive), createBrotliDecompress(), target);
}
