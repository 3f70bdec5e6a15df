// Runs in a process of its own, as the text of `node -e`: loads libraries out of a folder, each after those that it needs,
// and tells, as JSON on stdout, in which order that went. A library that is loaded stays so, hence the process.
// argv: the wanted libraries' paths and, by soname, those of all others that there are, as JSON.
import { constants } from 'node:os';

const { wanted, others } = JSON.parse(process.argv[1]);
const order = [];
const RTLD_NODELETE = 0x1000;

/** What stopped a library from being loaded; undefined where it was. */
function load(path) {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return undefined;
  } catch (error) {
    // No Node addon, but with that flag it stays loaded: see loader.ts.
    return /self-register/.test(error.message) ? undefined : error.message;
  }
}

function loadWithNeeds(path) {
  for (let last; ; ) {
    const stopped = load(path);
    if (stopped === undefined) return order.push(path);
    // The dynamic linker names what it misses first, in any language.
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
