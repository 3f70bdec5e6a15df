import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { short } from './test/sets.ts';

/** Takes minutes and is a small file, so that vitest, which begins with the large ones, left it for the end, on one core. */
const LONGEST = 'test/engine/ops/ops.test.ts';

const ALL = ['test/**/*.test.ts'];
/** Files that need a process of their own. */
const OWN = [
  // Open another driver, or one with other settings; a process keeps the first.
  'test/drivers/*.test.ts',
  'test/engine/ops/conv/{conv_gemm,conv_quad}.test.ts',
  'test/engine/ops/conv/{matrix,winograd}/*.test.ts',
  // Replace functions of node:fs, which other files have imported by then.
  'test/files/files.test.ts',
  'test/pix2pix/train/loop/failures.test.ts',
  // Set variables that a library reads once, or move the cache folder, where a driver and fonts may lie that are in use.
  'test/cli/data/command.test.ts',
  'test/cli/tune/tune.test.ts',
  'test/files/cache.test.ts',
  'test/pix2pix/data/sources/openmoji.test.ts',
  'test/pix2pix/train/evaluate/fcn.test.ts',
  'test/pix2pix/train/sheets/labels.test.ts',
  // Start a browser, which would inherit the variables that an open driver has set.
  'test/web/**/*.test.ts',
];
/**
 * Starting a process and loading the engine takes longer than the tests of most files, so in the short set the other files
 * share a process a worker. In the whole set every file has its own, and shows that it needs none of the others.
 */
const PROJECTS = [
  { name: 'shared', isolate: false, include: ALL, exclude: OWN },
  { name: 'own', include: OWN },
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLongest = ({ moduleId }: TestSpecification) => moduleId.endsWith(LONGEST);
    const sorted = await super.sort(files);
    return [...sorted.filter(isLongest), ...sorted.filter((file) => !isLongest(file))];
  }
}

export default defineConfig({
  plugins: [
    {
      // The build gives a shader's text for `import source from './x.wgsl'`; tests read the same files the same way.
      name: 'wgsl-as-text',
      load(id) {
        if (!id.endsWith('.wgsl')) return null;
        return `export default ${JSON.stringify(readFileSync(id, 'utf8'))};`;
      },
    },
  ],
  test: {
    ...(short ? { projects: PROJECTS.map((test) => ({ extends: true, test })) } : { include: ALL }),
    tags: [{ name: 'long', description: 'Left out of `npm test`; see test/sets.ts.' }],
    reporters: ['default', './test/reporter.ts'],
    pool: 'forks',
    // A CPU driver compiles on one core and computes on all of them: two files overlap well, more only queue.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 5_000,
    // Without this vitest gives an empty text for `import css from './x.css?raw'`.
    css: { include: [/\.css/] },
  },
});
