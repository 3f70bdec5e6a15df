/** `npm run pixtape -- COMMAND …` and `npm run doctor`: set-up, then the command. */
import { runBuilt, setup } from './setup.mjs';

await setup();
await runBuilt('pixtape.js', process.argv.slice(2));
