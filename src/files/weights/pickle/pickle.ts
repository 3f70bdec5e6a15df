import { PickleGlobal, PickleMachine, type PickleNames } from './pickle_machine.ts';

/**
 * Reads a pickle without Python, and without running anything in it. Looks up its classes and functions in `names`,
 * which knows a few and refuses all others. Supports the operations that `torch.save` writes, in binary protocols 2 to
 * 5, from Python 2 too. (https://docs.python.org/3/library/pickletools.html)
 *
 * Maps None to null, whole numbers beyond 2^53 to bigint, lists and tuples to arrays, dictionaries to Map, sets to Set,
 * bytes to Uint8Array, classes to PickleGlobal.
 * @param at where it begins in `bytes`
 * @param path the file's name, for messages
 * @returns the value, and the position where the pickle ends
 * @throws PixtapeError if it is truncated or damaged, or names something unknown
 */
export function readPickle(bytes: Uint8Array, at: number, names: PickleNames, path: string) {
  const machine = new PickleMachine(bytes, at, names, path);
  for (;;) {
    const code = machine.u8();
    if (code === STOP) return { value: machine.pop(), end: machine.at };
    const run = OPERATIONS.get(code);
    if (!run) throw machine.fail(`has the unknown operation 0x${code.toString(16).padStart(2, '0')}`);
    run(machine);
  }
}

type Operation = (m: PickleMachine) => void;

const STOP = 0x2e;
/** Longest integer to accept. Files of weights need no longer ones. */
const MAX_INTEGER_BYTES = 255;
const LATEST_PROTOCOL = 5;

/** The operations by their opcodes; the names are CPython's. */
const OPERATIONS = new Map<number, Operation>(
  Object.entries<Operation>({
    '\x80': protocol,
    '\x95': (m) => void m.skip(8), // FRAME
    '(': (m) => m.mark(),
    '0': (m) => void m.pop(),
    '1': (m) => void m.popMark(),
    '2': (m) => m.push(m.top()), // DUP

    N: (m) => m.push(null),
    '\x88': (m) => m.push(true),
    '\x89': (m) => m.push(false),
    K: (m) => m.push(m.u8()), // BININT1
    M: (m) => m.push(m.u16()), // BININT2
    J: (m) => m.push(m.i32()), // BININT
    '\x8a': (m) => m.push(integer(m, m.u8())), // LONG1
    '\x8b': (m) => m.push(integer(m, m.u32())), // LONG4
    G: (m) => m.push(m.f64()), // BINFLOAT

    // Python 2 has one type for bytes and text.
    U: (m) => m.push(m.text(m.u8(), 'latin1')), // SHORT_BINSTRING
    T: (m) => m.push(m.text(m.u32(), 'latin1')), // BINSTRING
    '\x8c': (m) => m.push(m.text(m.u8())), // SHORT_BINUNICODE
    X: (m) => m.push(m.text(m.u32())), // BINUNICODE
    '\x8d': (m) => m.push(m.text(m.u64())), // BINUNICODE8
    C: (m) => m.push(m.take(m.u8())), // SHORT_BINBYTES
    B: (m) => m.push(m.take(m.u32())), // BINBYTES
    '\x8e': (m) => m.push(m.take(m.u64())), // BINBYTES8
    '\x96': (m) => m.push(m.take(m.u64())), // BYTEARRAY8

    ')': (m) => m.pushNew([]),
    t: (m) => m.pushNew(m.popMark()), // TUPLE
    '\x85': (m) => m.pushNew(last(m, 1)),
    '\x86': (m) => m.pushNew(last(m, 2)),
    '\x87': (m) => m.pushNew(last(m, 3)),
    ']': (m) => m.pushNew([]),
    a: (m) => extend(m, [m.pop()]), // APPEND
    e: (m) => extend(m, m.popMark()), // APPENDS
    '}': (m) => m.pushNew(new Map()),
    s: (m) => setItems(m, last(m, 2)), // SETITEM
    u: (m) => setItems(m, m.popMark()), // SETITEMS
    '\x8f': (m) => m.pushNew(new Set()),
    '\x90': addItems,
    '\x91': (m) => m.pushNew(new Set(m.popMark())), // FROZENSET

    q: (m) => void m.memo.set(m.u8(), m.top()), // BINPUT
    r: (m) => void m.memo.set(m.u32(), m.top()), // LONG_BINPUT
    '\x94': (m) => void m.memo.set(m.memo.size, m.top()), // MEMOIZE
    h: (m) => m.push(remembered(m, m.u8())), // BINGET
    j: (m) => m.push(remembered(m, m.u32())), // LONG_BINGET

    c: (m) => m.push(m.names.global(`${m.line()}.${m.line()}`)), // GLOBAL
    '\x93': stackGlobal,
    R: call, // REDUCE
    '\x81': call, // NEWOBJ
    '\x92': callWithNames,
    b: build,
    Q: (m) => m.push(m.names.persistent(m.pop())), // BINPERSID
  }).map(([character, run]) => [character.charCodeAt(0), run]),
);

function protocol(m: PickleMachine): void {
  const version = m.u8();
  if (version > LATEST_PROTOCOL) throw m.fail(`has protocol ${version}; the latest known is ${LATEST_PROTOCOL}`);
}

/** Two's complement, little-endian. */
function integer(m: PickleMachine, length: number): number | bigint {
  if (length > MAX_INTEGER_BYTES) throw m.fail(`holds an integer of ${length} bytes`);
  const value = m.take(length).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const signed = BigInt.asIntN(8 * length, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}

/** Pops the last values of the stack, in the order in which they were pushed. */
function last(m: PickleMachine, count: number): unknown[] {
  return Array.from({ length: count }, () => m.pop()).reverse();
}

function extend(m: PickleMachine, items: readonly unknown[]): void {
  const list = m.top();
  if (!Array.isArray(list)) throw m.fail('appends to something that is not a list');
  for (const item of items) list.push(item);
}

function setItems(m: PickleMachine, items: readonly unknown[]): void {
  const target = m.top();
  if (!(target instanceof Map)) throw m.fail('sets items of something that is not a dictionary');
  if (items.length % 2 !== 0) throw m.fail('sets a key without a value');
  for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
}

function addItems(m: PickleMachine): void {
  const items = m.popMark();
  const target = m.top();
  if (!(target instanceof Set)) throw m.fail('adds to something that is not a set');
  for (const item of items) target.add(item);
}

function remembered(m: PickleMachine, index: number): unknown {
  if (!m.memo.has(index)) throw m.fail('recalls a value that it never stored');
  return m.memo.get(index);
}

function stackGlobal(m: PickleMachine): void {
  const [module, name] = last(m, 2);
  if (typeof module !== 'string' || typeof name !== 'string')
    throw m.fail('names a class by something that is not text');
  m.push(m.names.global(`${module}.${name}`));
}

function call(m: PickleMachine): void {
  const [target, args] = last(m, 2);
  if (!(target instanceof PickleGlobal) || !Array.isArray(args)) throw m.fail('calls something that is not a function');
  m.push(target.make(args));
}

/** NEWOBJ_EX: passes arguments by name, which no known class takes. */
function callWithNames(m: PickleMachine): void {
  m.pop();
  call(m);
}

/** BUILD gives an object its attributes. Weights have none that matter: an OrderedDict's `_metadata`, a tensor's hooks. */
function build(m: PickleMachine): void {
  m.pop();
  m.top();
}
