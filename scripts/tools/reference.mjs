/** `npm run --silent reference -- FILE…`: set-up with nothing on stdout, then the comparison with PyTorch's values. */
import { runBuilt, setup } from '../setup.mjs';

await setup({ quiet: true, computes: process.argv.slice(2) });
await runBuilt('reference.js', process.argv.slice(2));
