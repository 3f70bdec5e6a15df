/** `npm run fuzz -- …`: set-up, a bundle of tools/fuzz/ in dist/fuzz/, then the fuzzing itself. */
import { root, runBuilt, setup } from '../setup.mjs';

await setup();

// Imported here and not at the top: before the set-up esbuild may be missing.
const { build } = await import('esbuild');
const { asText, rawText } = await import('../build/text.mjs');

await build({
  absWorkingDir: root,
  entryPoints: ['tools/fuzz/main.ts', 'tools/fuzz/target.ts'],
  outdir: 'dist/fuzz',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  loader: asText,
  plugins: [rawText],
  logLevel: 'error',
});
await runBuilt('fuzz/main.js', process.argv.slice(2));
