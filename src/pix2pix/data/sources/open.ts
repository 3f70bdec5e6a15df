import type { DataOptions, OpenedData } from '../sets/dataset.ts';
import { roomForPictures } from '../split/cache_budget.ts';
import { openOpenmoji } from './emoji/openmoji.ts';
import { openFacades } from './facades/open.ts';
import { openFolder } from './folder.ts';

/**
 * Finds the pairs, checks every file's header, and splits off the held-out pairs. Pictures are decoded on demand.
 * @throws PixtapeError saying what is wrong with the folder or which file is bad
 */
export async function openDataset(options: DataOptions): Promise<OpenedData> {
  if (options.data === 'facades-toy') return openFacades(options, roomForPictures());
  return options.data === 'openmoji' ? openOpenmoji(options) : openFolder(options);
}
