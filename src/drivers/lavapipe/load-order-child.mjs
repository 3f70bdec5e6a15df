// Runs in a process of its own, as the text of `node -e`: loads libraries from a folder, dependencies first, and prints
// the order as JSON on stdout. A loaded library stays loaded, hence the process. argv: as JSON, the paths of the wanted
// libraries and, by soname, the paths of all others.
import { constants } from 'node:os';

const { wanted, others } = JSON.parse(process.argv[1]);
const order = [];
const RTLD_NODELETE = 0x1000;

/** Loads a library. Returns the reason for a failure; undefined on success. */
function load(path) {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return undefined;
  } catch (error) {
    // It is no Node addon, but with this flag it stays loaded: see loader.ts.
    return /self-register/.test(error.message) ? undefined : error.message;
  }
}

function loadWithNeeds(path) {
  for (let last; ; ) {
    const stopped = load(path);
    if (stopped === undefined) return order.push(path);
    // In any language, the dynamic linker's message begins with the library that it misses.
    const needed = others[/^(?:Error: )?([^\s:/]+): /.exec(stopped)?.[1] ?? ''];
    if (needed === undefined || needed === last || order.includes(needed)) throw new Error(stopped);
    loadWithNeeds(needed);
    last = needed;
  }
}

let failure;
try {
  for (const path of wanted) if (!order.includes(path)) loadWithNeeds(path);
} catch (error) {
  failure = error.message;
}
process.stdout.write(`\n${JSON.stringify({ order, failure })}\n`, () => process.exit(0));
