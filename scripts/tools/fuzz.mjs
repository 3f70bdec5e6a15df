/** `npm run fuzz -- …`: set-up, a bundle of tools/fuzz/ in dist/fuzz/, then the fuzzing itself. */
import { runBuilt, setup } from '../setup.mjs';

await setup();

// Imported here and not at the top: before the set-up esbuild may be missing.
const { build } = await import('esbuild');
const { nodeProgram } = await import('../build/text.mjs');

await build({
  ...nodeProgram,
  entryPoints: ['tools/fuzz/main.ts', 'tools/fuzz/target.ts'],
  outdir: 'dist/fuzz',
  splitting: true,
});
await runBuilt('fuzz/main.js', process.argv.slice(2));
