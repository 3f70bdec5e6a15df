import { recipe, SYSTEM_LOADER } from '../probe/recipe.ts';
import type { Recipe } from '../types.ts';
import { cpuFlags, lavapipeEnvironment } from './environment.ts';
import type { FetchedLavapipe } from './fetched.ts';

/** The recipe for a lavapipe: the system's, or the `fetched` one in the cache folder. */
export function lavapipeRecipe(env: NodeJS.ProcessEnv, icd: string, fetched?: FetchedLavapipe): Recipe {
  return recipe({
    env: { VK_DRIVER_FILES: icd, ...lavapipeEnvironment(env, cpuFlags(), icd) },
    libraries: fetched?.libraries ?? [],
    loaders: [SYSTEM_LOADER],
  });
}
