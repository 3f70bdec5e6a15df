import type { MpiLibrary } from './library.ts';

/** Only one thread calls MPI. */
const THREAD_FUNNELED = 1;
/**
 * Between rounds without news the thread sleeps for this share of the time since the last news, up to a maximum. It
 * shares its core with a driver that may compute on the CPU.
 */
const LATENESS = 1 / 8;
const LONGEST_NAP_MS = 0.5;
/** How often MPI gets a turn while nothing is pending. */
const IDLE_MS = 100;

interface Request {
  handle: BigInt64Array;
  /** Held here so that it is not collected while MPI reads or writes it. */
  bytes: Uint8Array;
  done: () => void;
  failed: (error: unknown) => void;
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** This process's end of the MPI world: non-blocking messages between ranks. */
export class Endpoint {
  readonly rank: number;
  readonly count: number;
  /** Seconds that `add` has taken so far. */
  adding = 0;
  private readonly mpi: MpiLibrary;
  private readonly waiting = new Set<Request>();
  private readonly onRound: () => void;
  private newsAt = performance.now();
  private timer: NodeJS.Immediate | NodeJS.Timeout | undefined;
  private eager = false;
  private left = false;

  /** Joins the world. Waits until all ranks have. @param onRound called whenever MPI has had a turn */
  constructor(mpi: MpiLibrary, onRound: () => void) {
    this.mpi = mpi;
    this.onRound = onRound;
    const given = new Int32Array(1);
    mpi.call('MPI_Init_thread(void *, void *, int, void *given)', null, null, THREAD_FUNNELED, given);
    const ask = (name: 'rank' | 'size') => {
      const answer = new Int32Array(1);
      mpi.call(`MPI_Comm_${name}(intptr_t world, void *answer)`, mpi.world, answer);
      return answer[0] as number;
    };
    this.rank = ask('rank');
    this.count = ask('size');
    this.schedule();
  }

  /** The ranks beside this one. */
  get others(): number[] {
    return Array.from({ length: this.count }, (_, i) => i).filter((i) => i !== this.rank);
  }

  /**
   * Sends bytes, which must not change before the promise resolves. Messages between two ranks with the same tag keep
   * their order.
   */
  send(bytes: Uint8Array, to: number, tag: number): Promise<void> {
    return this.start('MPI_Isend', bytes, to, tag);
  }

  /** Receives exactly `bytes.length` bytes. */
  receive(bytes: Uint8Array, from: number, tag: number): Promise<void> {
    return this.start('MPI_Irecv', bytes, from, tag);
  }

  /** Adds values to `sum`, rounding each to float32. Uses the library's own loop, which is several times faster. */
  add(sum: Float32Array, values: Float32Array): void {
    const { mpi } = this;
    const start = performance.now();
    const signature = 'MPI_Reduce_local(void *values, void *sum, int count, intptr_t type, intptr_t operation)';
    mpi.call(signature, values, sum, sum.length, mpi.float, mpi.sum);
    this.adding += (performance.now() - start) / 1000;
  }

  /** Ends the processes of all ranks, this one among them. */
  abort(): void {
    this.mpi.call('MPI_Abort(intptr_t world, int code)', this.mpi.world, 1);
  }

  /** Leaves the world. Waits until all ranks do. */
  leave(): void {
    this.left = true;
    this.unschedule();
    this.mpi.call('MPI_Finalize()');
  }

  private start(name: 'MPI_Isend' | 'MPI_Irecv', bytes: Uint8Array, peer: number, tag: number): Promise<void> {
    const { mpi } = this;
    const handle = new BigInt64Array(1);
    const signature = `${name}(void *bytes, int count, intptr_t type, int peer, int tag, intptr_t world, void *request)`;
    mpi.call(signature, bytes, bytes.byteLength, mpi.byte, peer, tag, mpi.world, handle);
    return new Promise((done, failed) => {
      this.waiting.add({ handle, bytes, done, failed });
      this.newsAt = performance.now();
      if (!this.eager) this.schedule();
    });
  }

  /** Gives MPI a turn: it makes progress only while it is called. */
  private round(): void {
    this.eager = false;
    let news = false;
    for (const request of this.waiting) {
      if (!this.isDone(request)) continue;
      this.waiting.delete(request);
      request.done();
      news = true;
    }
    if (news) this.newsAt = performance.now();
    this.onRound();
    if (!this.left) this.schedule();
  }

  private isDone({ handle, failed }: Request): boolean {
    const flag = new Int32Array(1);
    try {
      this.mpi.call('MPI_Test(void *request, void *flag, intptr_t status)', handle, flag, this.mpi.ignore);
    } catch (error) {
      failed(error);
    }
    return flag[0] !== 0;
  }

  private schedule(): void {
    this.unschedule();
    // One pending receive is the next heartbeat, which is always awaited.
    if (this.waiting.size <= 1) {
      this.timer = setTimeout(() => this.round(), IDLE_MS);
      return;
    }
    this.eager = true;
    this.timer = setImmediate(() => {
      Atomics.wait(sleeper, 0, 0, Math.min(LONGEST_NAP_MS, (performance.now() - this.newsAt) * LATENESS));
      this.round();
    });
  }

  private unschedule(): void {
    clearTimeout(this.timer as NodeJS.Timeout);
    clearImmediate(this.timer as NodeJS.Immediate);
  }
}
