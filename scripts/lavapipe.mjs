/**
 * `npm run lavapipe`: set-up, then fetches Mesa's CPU driver into the cache folder, without root, again if it is
 * already there.
 */
import { say, setUpDriver, setup } from './setup.mjs';

await setup();
if (!(await setUpDriver({ args: [], again: true, say }))) process.exitCode = 1;
