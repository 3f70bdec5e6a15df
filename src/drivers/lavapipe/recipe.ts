import { recipe, SYSTEM_LOADER } from '../probe/recipe.ts';
import type { Recipe } from '../types.ts';
import { cpuFlags, lavapipeEnvironment } from './environment.ts';
import type { FetchedLavapipe } from './fetched.ts';

/** What leads to a lavapipe: the system's, or `fetched`, which lies in the cache folder. */
export function lavapipeRecipe(env: NodeJS.ProcessEnv, icd: string, fetched?: FetchedLavapipe): Recipe {
  return recipe({
    env: { VK_DRIVER_FILES: icd, ...lavapipeEnvironment(env, cpuFlags(), icd) },
    libraries: fetched?.libraries ?? [],
    loaders: [SYSTEM_LOADER],
  });
}
