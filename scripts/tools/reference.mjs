/** `npm run --silent reference -- FILE…`: set-up without a word on stdout, then the comparison with PyTorch's values. */
import { runBuilt, setup } from '../setup.mjs';

await setup({ quiet: true, computes: process.argv.slice(2) });
await runBuilt('reference.js', process.argv.slice(2));
