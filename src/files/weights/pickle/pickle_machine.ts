import { PixtapeError } from '../../../engine/util/errors.ts';

/** Most values on the stack and most containers of a pickle: weights take thousands, a bomb takes more. */
const MAX_STACK = 1_000_000;
const MAX_CONTAINERS = 1_000_000;

/** A class or function that a pickle names. No Python is behind it: `make` returns a stand-in for its result. */
export class PickleGlobal {
  readonly name: string;
  readonly make: (args: readonly unknown[]) => unknown;

  constructor(name: string, make: (args: readonly unknown[]) => unknown) {
    this.name = name;
    this.make = make;
  }
}

/** What a pickle may refer to outside its own bytes. */
export interface PickleNames {
  /** A class or function, e.g. `collections.OrderedDict`. @throws PixtapeError if it is unknown */
  global(name: string): PickleGlobal;
  /** An object stored outside the pickle, as PyTorch stores the bytes of tensors. */
  persistent(id: unknown): unknown;
}

/** The stack machine that runs a pickle's program: bytes, stack, marks and memo. Checks every access. */
export class PickleMachine {
  readonly names: PickleNames;
  readonly memo = new Map<number, unknown>();
  /** The next byte to read. */
  at: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly path: string;
  private readonly stack: unknown[] = [];
  private readonly marks: number[] = [];
  private containers = 0;

  constructor(bytes: Uint8Array, at: number, names: PickleNames, path: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.names = names;
    this.path = path;
  }

  fail(what: string): PixtapeError {
    return new PixtapeError(
      `${this.path} cannot be read: its pickle ${what} (byte ${this.at})`,
      'It is damaged or was not written by torch.save: copy, download or save it again.',
    );
  }

  /** Skips `count` bytes, and returns where they began. */
  skip(count: number): number {
    const start = this.at;
    if (!(count >= 0) || count > this.bytes.length - start) throw this.fail('ends too early');
    this.at += count;
    return start;
  }

  u8 = (): number => this.view.getUint8(this.skip(1));
  u16 = (): number => this.view.getUint16(this.skip(2), true);
  i32 = (): number => this.view.getInt32(this.skip(4), true);
  u32 = (): number => this.view.getUint32(this.skip(4), true);
  u64 = (): number => Number(this.view.getBigUint64(this.skip(8), true));
  /** The only big-endian numbers of a pickle. */
  f64 = (): number => this.view.getFloat64(this.skip(8));
  take = (count: number): Uint8Array => this.bytes.subarray(this.skip(count), this.at);
  text = (count: number, encoding = 'utf-8'): string => new TextDecoder(encoding).decode(this.take(count));

  /** A line without its end. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.fail('ends too early');
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  push(value: unknown): void {
    if (this.stack.length >= MAX_STACK) throw this.fail(`keeps more than ${MAX_STACK} values at a time`);
    this.stack.push(value);
  }

  /** Pushes a new container. */
  pushNew(value: unknown[] | Map<unknown, unknown> | Set<unknown>): void {
    if (++this.containers > MAX_CONTAINERS) throw this.fail(`holds more than ${MAX_CONTAINERS} containers`);
    this.push(value);
  }

  pop(): unknown {
    this.top();
    return this.stack.pop();
  }

  top(): unknown {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.fail('takes a value that is not there');
    return this.stack.at(-1);
  }

  mark(): void {
    if (this.marks.length >= MAX_STACK) throw this.fail(`sets more than ${MAX_STACK} marks`);
    this.marks.push(this.stack.length);
  }

  /** Pops everything above the last mark, and the mark. */
  popMark(): unknown[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.fail('takes a mark that is not there');
    return this.stack.splice(mark);
  }
}
