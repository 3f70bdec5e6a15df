import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { cacheDirectory } from '../../files/cache.ts';

/** Where distributions install a driver whose ICD file gives no folder. */
const LIBRARY_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
];

/**
 * Sets lavapipe's vector width and shader cache. By default it uses 256 bits even if the CPU has 512. Its disk cache is
 * not keyed by the width, and would serve code compiled for 8 lanes to a device of 16. So each width gets a folder of
 * its own, and so does each build of the driver, since two builds may be installed, and each GALLIVM_PERF, which says
 * what LLVM leaves out.
 *
 * @param flags CPU features, as in /proc/cpuinfo
 * @param icd the driver's ICD file
 */
export function lavapipeEnvironment(
  env: NodeJS.ProcessEnv,
  flags: ReadonlySet<string>,
  icd: string,
): Record<string, string> {
  const chosen = env.LP_NATIVE_VECTOR_WIDTH;
  const own = flags.has('avx') ? '256' : '128';
  const width = chosen || (flags.has('avx512f') ? '512' : own);
  const perf = env.GALLIVM_PERF?.replace(/\W+/g, '-');
  const folder = ['mesa', `${width}-bit`, perf, driverBuild(icd)].filter(Boolean).join('-');
  return {
    MESA_SHADER_CACHE_DIR: join(env.MESA_SHADER_CACHE_DIR || cacheDirectory(env), folder),
    ...(width === own || chosen ? {} : { LP_NATIVE_VECTOR_WIDTH: width }),
  };
}

/** Whether Mesa caches compiled shaders, so that one device can reuse another's. */
export function keepsShaders(env: NodeJS.ProcessEnv): boolean {
  return !/^(1|true|yes)$/i.test(env.MESA_SHADER_CACHE_DISABLE ?? '');
}

/**
 * A short hash that identifies a build of a driver by the size and date of its library. Packages carry both, so a build
 * is recognised wherever it was unpacked. '' if the library cannot be found; Mesa itself then keeps builds apart within
 * one cache.
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
    // Unreadable or not JSON: the loader skips it too.
    return undefined;
  }
}

export function cpuFlags(): Set<string> {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    return new Set(line.trim().split(/\s+/));
  } catch {
    // Without /proc, keep the driver's own choice.
    return new Set();
  }
}
