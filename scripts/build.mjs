/**
 * Builds src/ into dist/. Bundles one file each for the command (pixtape.js), its MPI thread (mpi_worker.js), the
 * comparison with PyTorch (reference.js), and the download of a driver (set_up_driver.js), which only the clone's
 * set-up runs. build/library.mjs builds the library as ES modules, web/build.mjs the page. `--types` adds the library's
 * type declarations, which only a published package needs.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build as bundle } from 'esbuild';
import { buildLibrary, buildTypes } from './build/library.mjs';
import { nodeProgram, put, root } from './build/text.mjs';

/** The last one's date is that of the whole build: see `distIsStale` of setup.mjs. */
const commands = [
  { source: 'src/distributed/mpi/worker.ts', target: 'dist/mpi_worker.js' },
  { source: 'tools/pytorch/main.ts', target: 'dist/reference.js' },
  { source: 'src/drivers/lavapipe/set_up.ts', target: 'dist/set_up_driver.js' },
  { source: 'src/cli/main.ts', target: 'dist/pixtape.js' },
];

/** Builds every entry whose source exists. Packages stay outside the bundles. */
export async function build() {
  await buildLibrary();
  for (const { source, target } of commands) {
    if (!existsSync(join(root, source))) continue;
    const { outputFiles } = await bundle({
      ...nodeProgram,
      entryPoints: [source],
      outfile: target,
      banner: { js: '#!/usr/bin/env node' },
      write: false,
      logLevel: 'warning',
    });
    for (const { path, contents } of outputFiles) put(path, contents, 0o755);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) {
  await build();
  if (process.argv.includes('--types')) buildTypes();
}
