/** `npm run results -- NAME`: set-up, a bundle of tools/results/ in dist/results/, then the runs of that table. */
import { root, runBuilt, setup } from '../setup.mjs';

await setup({ computes: process.argv.slice(2) });

// Imported here and not at the top: before the set-up esbuild may be missing.
const { build } = await import('esbuild');
const { asText, rawText } = await import('../build/text.mjs');

await build({
  absWorkingDir: root,
  entryPoints: ['tools/results/main.ts'],
  outfile: 'dist/results/main.js',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  loader: asText,
  plugins: [rawText],
  logLevel: 'error',
});
await runBuilt('results/main.js', process.argv.slice(2));
