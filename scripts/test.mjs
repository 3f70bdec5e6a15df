/**
 * Runs the set-up, then the tests: the short set for `npm test`, all of them for `npm run test:all` (`--all`). Passes other
 * arguments on to vitest. A file or test that is named runs whatever set it is in: `npm test -- test/drivers -t unknown`.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

// vitest's vite imports names that Node's modules have since 20.19.
await setup({ computes: [], node: '20.19' });
const args = process.argv.slice(2).filter((arg) => arg !== '--all');
const named = args.some((arg) => !arg.startsWith('--'));
const short = !named && !process.argv.includes('--all');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const result = spawnSync(process.execPath, [vitest, 'run', ...(short ? ['--tagsFilter=!long'] : []), ...args], {
  cwd: root,
  stdio: 'inherit',
  // Most of the short set's time is compiling. `nopt` leaves LLVM's optimizations out on lavapipe; `test:all` has them.
  env: {
    ...process.env,
    ...(short ? { PIXTAPE_TESTS: 'short', GALLIVM_PERF: process.env.GALLIVM_PERF ?? 'nopt' } : {}),
  },
});
if (result.error) throw result.error;
process.exit(result.status ?? 1);
