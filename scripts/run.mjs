/** `npm run pixtape -- COMMAND …` and `npm run doctor`: set-up, then the command. */
import { runBuilt, setup } from './setup.mjs';

const args = process.argv.slice(2);
// All other commands need no adapter, or only list them.
const computes =
  /^(train|translate|gan|sample|eval|eval-classes|tune)$/.test(args[0] ?? '') && !args.includes('--help');
await setup(computes ? { computes: args } : {});
await runBuilt('pixtape.js', args);
