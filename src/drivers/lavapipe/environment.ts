import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { cacheDirectory } from '../../files/cache.ts';

/** Where distributions put a driver that its ICD file names without a folder. */
const LIBRARY_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
];

/**
 * Lavapipe's vector width and shader cache. It takes 256 bits of itself even where the CPU has 512. Its cache on disk is
 * not keyed by the width, so that code compiled for 8 lanes would be served to a device of 16: each width gets a folder of
 * its own, and so does each build of the driver, since two may lie side by side here.
 *
 * @param flags what the CPU can do, as /proc/cpuinfo names it
 * @param icd the file that describes the driver
 */
export function lavapipeEnvironment(
  env: NodeJS.ProcessEnv,
  flags: ReadonlySet<string>,
  icd: string,
): Record<string, string> {
  const chosen = env.LP_NATIVE_VECTOR_WIDTH;
  const own = flags.has('avx') ? '256' : '128';
  const width = chosen || (flags.has('avx512f') ? '512' : own);
  const folder = ['mesa', `${width}-bit`, driverBuild(icd)].filter(Boolean).join('-');
  return {
    MESA_SHADER_CACHE_DIR: join(env.MESA_SHADER_CACHE_DIR || cacheDirectory(env), folder),
    ...(width === own || chosen ? {} : { LP_NATIVE_VECTOR_WIDTH: width }),
  };
}

/** Whether Mesa keeps what it compiles, so that one device finds what another one compiled. */
export function keepsShaders(env: NodeJS.ProcessEnv): boolean {
  return !/^(1|true|yes)$/i.test(env.MESA_SHADER_CACHE_DISABLE ?? '');
}

/**
 * A few letters that tell one build of a driver from another, by the size and the date of its library: packages carry
 * both, so the same build is known again wherever it was unpacked. '' where the library cannot be found; Mesa itself then
 * keeps builds apart within one cache.
 */
export function driverBuild(icd: string): string {
  const library = driverLibrary(icd);
  if (library === undefined) return '';
  const { size, mtimeMs } = statSync(library);
  return createHash('sha256')
    .update(`${size} ${Math.floor(mtimeMs / 1000)}`)
    .digest('hex')
    .slice(0, 8);
}

function driverLibrary(icd: string): string | undefined {
  try {
    const path: unknown = JSON.parse(readFileSync(icd, 'utf8')).ICD.library_path;
    if (typeof path !== 'string') return undefined;
    const relative = path.includes('/') ? [join(dirname(icd), path)] : LIBRARY_FOLDERS.map((each) => join(each, path));
    return (isAbsolute(path) ? [path] : relative).find((each) => statSync(each, { throwIfNoEntry: false })?.isFile());
  } catch {
    // Not readable or not JSON: the loader passes it over too.
    return undefined;
  }
}

export function cpuFlags(): Set<string> {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    return new Set(line.trim().split(/\s+/));
  } catch {
    // Without /proc the driver's own choice stands.
    return new Set();
  }
}
