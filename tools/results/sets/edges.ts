import { existsSync } from 'node:fs';

/**
 * Makes a folder of pairs of photographs (Tux Paint's stamps, GPL-2 or later) and their outlines at 128 × 128, unless it
 * is there. A tenth is held out.
 * @param pixtape runs a command of dist/
 */
export async function makeEdges(out: string, pixtape: (args: readonly string[]) => Promise<unknown>): Promise<void> {
  if (existsSync(out)) return;
  const photos = `${out}-photos`;
  if (!existsSync(photos)) await pixtape(['data', 'photos', photos, '--download']);
  await pixtape(['data', 'edges', photos, out, '--crop_size', '128', '--fit', 'pad', '--test', '0.1']);
}
