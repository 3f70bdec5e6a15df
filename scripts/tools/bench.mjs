/** `npm run bench -- …`: set-up, a bundle of bench/ in dist/bench/, then the bench itself, or `isa`. */
import { root, runBuilt, setup } from '../setup.mjs';

await setup({ computes: process.argv.slice(2) });

// Imported here and not at the top: before the set-up esbuild may be missing.
const { build } = await import('esbuild');
const { asText, rawText } = await import('../build/text.mjs');

/**
 * Keeps packages out of the bundle, except TensorFlow.js. The build of it that Node would take has no gradients, and its
 * single modules are ES modules in a package that calls itself CommonJS.
 */
const packages = {
  name: 'packages',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
      const tensorflow = path.startsWith('@tensorflow/') || importer.includes('@tensorflow');
      return kind === 'entry-point' || tensorflow ? undefined : { path, external: true };
    });
  },
};

await build({
  absWorkingDir: root,
  entryPoints: ['bench/main.ts', 'bench/isa/main.ts', 'bench/step/first_step.ts'],
  outdir: 'dist/bench',
  bundle: true,
  splitting: true,
  platform: 'node',
  mainFields: ['module', 'main'],
  target: 'node20',
  format: 'esm',
  loader: asText,
  banner: {
    js: "import { createRequire as requireFor } from 'node:module';const require = requireFor(import.meta.url);",
  },
  plugins: [rawText, packages],
  logLevel: 'error',
});
// `isa` compiles for GPUs that are not present. It opens no device and has its own flags.
const [first, ...rest] = process.argv.slice(2);
await (first === 'isa' ? runBuilt('bench/isa/main.js', rest) : runBuilt('bench/main.js', process.argv.slice(2)));
