/** `npm run web`: set-up, the page, and `pixtape demo` for it, which prints a link. Flags are demo's: `-- --port 9000`. */
import { runBuilt, setup } from '../setup.mjs';

await setup();
// Imported here and not at the top: before the set-up esbuild may be missing.
const { buildWeb } = await import('./build.mjs');
await buildWeb();
await runBuilt('pixtape.js', ['demo', '--no-open', ...process.argv.slice(2)]);
