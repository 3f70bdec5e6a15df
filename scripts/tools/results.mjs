/** `npm run results -- NAME`: set-up, a bundle of tools/results/ in dist/results/, then the runs of that table. */
import { runBuilt, setup } from '../setup.mjs';

await setup({ computes: process.argv.slice(2) });

// Imported here and not at the top: before the set-up esbuild may be missing.
const { build } = await import('esbuild');
const { nodeProgram } = await import('../build/text.mjs');

await build({
  ...nodeProgram,
  entryPoints: ['tools/results/main.ts'],
  outfile: 'dist/results/main.js',
});
await runBuilt('results/main.js', process.argv.slice(2));
