/** `npm run lavapipe`: set-up, then Mesa's CPU driver into the cache folder, without root, anew if it is there already. */
import { say, setUpDriver, setup } from './setup.mjs';

await setup();
if (!(await setUpDriver({ args: [], again: true, say }))) process.exitCode = 1;
