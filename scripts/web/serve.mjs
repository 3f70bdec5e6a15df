/** `npm run web`: set-up, the page, and `pixtape demo` for it, which prints a link. Flags are demo's: `-- --port 9000`. */
import { runBuilt, setup } from '../setup.mjs';

await setup();
// Not at the top: without node_modules there is no esbuild yet.
const { buildWeb } = await import('./build.mjs');
await buildWeb();
await runBuilt('pixtape.js', ['demo', '--no-open', ...process.argv.slice(2)]);
