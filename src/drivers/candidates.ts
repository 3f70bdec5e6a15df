import { accessSync, constants, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PixtapeError } from '../engine/util/errors.ts';
import { cacheDirectory } from './cache.ts';
import { findContainerIcds, findIcds, isLavapipe } from './probe/icd.ts';
import { swiftShaderUnsupported, unpackSwiftShader } from './probe/swiftshader.ts';
import type { Candidate, Recipe } from './types.ts';

/** The name under which the system's loader is found, if it has one. */
export const SYSTEM_LOADER = 'libvulkan.so.1';

/** What can be tried on this system, best first. `env` is the environment from before any driver was chosen. */
export function listCandidates(env: NodeJS.ProcessEnv): Candidate[] {
  if (process.platform === 'darwin') return [systemGpu('Metal GPU'), swiftShader()];
  if (process.platform === 'win32') return [systemGpu('Direct3D 12 GPU'), warp(), swiftShader()];
  return [vulkanGpu(env), lavapipe(env), swiftShader()];
}

/** Timestamps in nanoseconds. Dawn rounds them to 65 µs to blunt timing attacks by web pages, of which there are none here. */
const DAWN_FLAGS = ['disable-dawn-features=timestamp_quantization'];

const nothing: Recipe = { env: {}, loaders: [], flags: DAWN_FLAGS, request: { powerPreference: 'high-performance' } };

function systemGpu(description: string): Candidate {
  return { kind: 'gpu', description, prepare: async () => nothing };
}

/** Direct3D's own software adapter, part of Windows. */
function warp(): Candidate {
  return {
    kind: 'fallback',
    description: 'Direct3D 12 software adapter (WARP)',
    prepare: async () => ({
      ...nothing,
      flags: [...DAWN_FLAGS, 'backend=d3d12'],
      request: { forceFallbackAdapter: true },
    }),
  };
}

function vulkanGpu(env: NodeJS.ProcessEnv): Candidate {
  return {
    kind: 'gpu',
    description: 'Vulkan GPU',
    prepare: async () => {
      const added = [...(env.VK_ADD_DRIVER_FILES ?? '').split(delimiter).filter(Boolean), ...findContainerIcds(env)];
      const more: Record<string, string> = added.length > 0 ? { VK_ADD_DRIVER_FILES: added.join(delimiter) } : {};
      return { ...nothing, env: more, loaders: [SYSTEM_LOADER] };
    },
  };
}

/** What the device files in /dev say about why no GPU driver answered; undefined where they say nothing. */
export function gpuDeviceFiles(): string | undefined {
  const inFolder = (folder: string, pattern: RegExp) => {
    try {
      return readdirSync(folder)
        .filter((name) => pattern.test(name))
        .map((name) => join(folder, name));
    } catch {
      return [];
    }
  };
  const files = [...inFolder('/dev/dri', /^renderD/), ...inFolder('/dev', /^nvidia\d|^dxg$|^kgsl-/)];
  if (files.length === 0) return 'no GPU device file in /dev';
  const closed = files.filter((file) => {
    try {
      accessSync(file, constants.R_OK | constants.W_OK);
      return false;
    } catch {
      return true;
    }
  });
  if (closed.length === 0) return undefined;
  return `no permission for ${closed.join(', ')} (\`sudo usermod -aG render,video $USER\`, then log in again)`;
}

function lavapipe(env: NodeJS.ProcessEnv): Candidate {
  const icd = findIcds(env).find(isLavapipe);
  return {
    kind: 'lavapipe',
    description: "Mesa's CPU driver",
    ...(icd ? { icd } : {}),
    prepare: async () => {
      if (!icd) {
        const forced = env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES;
        throw new PixtapeError(
          forced
            ? `not among the drivers that VK_DRIVER_FILES names (${forced})`
            : 'not installed (no ICD file names libvulkan_lvp)',
        );
      }
      return {
        env: { VK_DRIVER_FILES: icd, ...lavapipeEnvironment(env, cpuFlags()) },
        loaders: [SYSTEM_LOADER],
        flags: DAWN_FLAGS,
        request: {},
      };
    },
  };
}

/**
 * Lavapipe's vector width and shader cache. It takes 256 bits of itself even where the CPU has 512, and its cache on disk is not
 * keyed by the width: code compiled for 8 lanes would be served to a device of 16. So each width gets a cache of its own.
 */
export function lavapipeEnvironment(env: NodeJS.ProcessEnv, flags: ReadonlySet<string>): Record<string, string> {
  const chosen = env.LP_NATIVE_VECTOR_WIDTH;
  const own = flags.has('avx') ? '256' : '128';
  const width = chosen || (flags.has('avx512f') ? '512' : own);
  const cache = join(env.MESA_SHADER_CACHE_DIR || cacheDirectory(process.platform, env), `mesa-${width}-bit`);
  return {
    MESA_SHADER_CACHE_DIR: cache,
    ...(width === own || chosen ? {} : { LP_NATIVE_VECTOR_WIDTH: width }),
  };
}

function cpuFlags(): Set<string> {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    return new Set(line.trim().split(/\s+/));
  } catch {
    // Without /proc the driver's own choice stands.
    return new Set();
  }
}

function swiftShader(): Candidate {
  return {
    kind: 'swiftshader',
    description: "Google's CPU driver, from npm",
    prepare: async () => {
      const unsupported = swiftShaderUnsupported();
      if (unsupported) throw new PixtapeError(unsupported);
      const { icd, loader } = await unpackSwiftShader();
      return { env: { VK_DRIVER_FILES: icd }, loaders: [loader, SYSTEM_LOADER], flags: DAWN_FLAGS, request: {} };
    },
  };
}
