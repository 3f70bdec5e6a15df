import { delimiter } from 'node:path';
import { PixtapeError } from '../engine/util/errors.ts';
import { cacheDirectory } from '../files/cache.ts';
import { findFetched } from './lavapipe/fetched.ts';
import { lavapipeRecipe } from './lavapipe/recipe.ts';
import { findContainerIcds, findIcds, isLavapipe } from './probe/icd.ts';
import { recipe, SYSTEM_LOADER } from './probe/recipe.ts';
import { swiftShaderUnsupported, unpackSwiftShader } from './probe/swiftshader.ts';
import type { Candidate, Recipe } from './types.ts';

/** Lists the candidates of this system, best first. `env` is the environment before any driver was chosen. */
export function listCandidates(env: NodeJS.ProcessEnv): Candidate[] {
  if (process.platform === 'darwin') return [systemGpu('Metal GPU'), swiftShader()];
  if (process.platform === 'win32') return [systemGpu('Direct3D 12 GPU'), warp(), swiftShader()];
  return [vulkanGpu(env), ...lavapipes(env), swiftShader()];
}

const system = () => recipe({ request: { powerPreference: 'high-performance' } });

function systemGpu(description: string): Candidate {
  return { kind: 'gpu', description, prepare: async () => system() };
}

/** Direct3D's software adapter, part of Windows. */
function warp(): Candidate {
  return {
    kind: 'fallback',
    description: 'Direct3D 12 software adapter (WARP)',
    prepare: async () => recipe({ flags: ['backend=d3d12'], request: { forceFallbackAdapter: true } }),
  };
}

function vulkanGpu(env: NodeJS.ProcessEnv): Candidate {
  return {
    kind: 'gpu',
    description: 'Vulkan GPU',
    prepare: async () => {
      const added = [...(env.VK_ADD_DRIVER_FILES ?? '').split(delimiter).filter(Boolean), ...findContainerIcds(env)];
      const more: Record<string, string> = added.length > 0 ? { VK_ADD_DRIVER_FILES: added.join(delimiter) } : {};
      return { ...system(), env: more, loaders: [SYSTEM_LOADER] };
    },
  };
}

/** The system's lavapipe, then the one that set-up fetched, if any. */
function lavapipes(env: NodeJS.ProcessEnv): Candidate[] {
  const forced = env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES;
  const icd = findIcds(env).find(isLavapipe);
  const fetched = forced ? undefined : findFetched(cacheDirectory(env));
  const own =
    fetched &&
    lavapipe(`Mesa ${fetched.version}, fetched`, fetched.icd, () => lavapipeRecipe(env, fetched.icd, fetched));
  if (icd) return [lavapipe("Mesa's CPU driver", icd, () => lavapipeRecipe(env, icd)), ...(own ? [own] : [])];
  if (own) return [own];
  return [
    {
      kind: 'lavapipe',
      description: "Mesa's CPU driver",
      async prepare() {
        throw new PixtapeError(
          forced
            ? `not among the drivers that VK_DRIVER_FILES names (${forced})`
            : 'not installed (no ICD file names libvulkan_lvp)',
        );
      },
    },
  ];
}

const lavapipe = (description: string, icd: string, make: () => Recipe): Candidate => ({
  kind: 'lavapipe',
  description,
  icd,
  prepare: async () => make(),
});

function swiftShader(): Candidate {
  return {
    kind: 'swiftshader',
    description: "Google's CPU driver, from npm",
    prepare: async () => {
      const unsupported = swiftShaderUnsupported();
      if (unsupported) throw new PixtapeError(unsupported);
      const { icd, loader } = await unpackSwiftShader();
      return recipe({ env: { VK_DRIVER_FILES: icd }, loaders: [loader, SYSTEM_LOADER] });
    },
  };
}
