import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Takes minutes and is a small file, so that vitest, which begins with the large ones, left it for the end, on one core. */
const LONGEST = 'test/engine/ops/ops.test.ts';

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
    include: ['test/**/*.test.ts'],
    tags: [{ name: 'long', description: 'Left out of `npm test`; see test/sets.ts.' }],
    reporters: ['default', './test/reporter.ts'],
    // A file a process: one process keeps one driver, and a crash inside a driver takes one file with it, not the run.
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
