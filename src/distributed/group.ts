import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import { PixtapeError } from '../engine/util/errors.ts';
import type { Launched } from './launcher.ts';
import { MPI_VARIABLE } from './mpi/library.ts';
import type { Answer, Order, WorkerData } from './mpi/protocol.ts';

/** A process of the run. */
export interface Member {
  rank: number;
  host: string;
  pid: number;
}

/**
 * What this rank has sent so far, how long it has waited for answers, summed over all meetings, and how much of that it took
 * to add values up.
 */
export interface Traffic {
  meetings: number;
  bytes: number;
  seconds: number;
  adding: number;
}

const JOIN_SECONDS = 60;
const BEAT_MS = 1000;

/** "rank 1 on host b". */
export const nameOf = ({ rank, host }: Member): string => `rank ${rank} on ${host}`;

/**
 * The processes of a run, as seen from this one: exchanges values and reaches agreement between them. See `Ranks` of
 * the engine.
 */
export class RankGroup {
  readonly rank: number;
  readonly count: number;
  /** The MPI library: its version and file. */
  readonly library: string;
  readonly traffic: Traffic = { meetings: 0, bytes: 0, seconds: 0, adding: 0 };
  /** As `Ranks.times` of the engine. */
  readonly times = { copying: 0, span: 0, exposed: 0 };
  members: readonly Member[] = [];
  /** Whether gradients are sent as halves. Must be the same on all ranks. */
  compress = false;
  private readonly worker: Worker;
  private readonly waiting = new Map<number, { done: (result: never) => void; failed: (error: Error) => void }>();
  private readonly beats: NodeJS.Timeout;
  private orders = 0;
  /** Work that is under way in which a driver may hold this thread up. */
  private longWork = 0;
  private ill: number | undefined;

  private constructor(worker: Worker, { rank, count, library }: Extract<Answer, { kind: 'joined' }>) {
    this.worker = worker;
    this.rank = rank;
    this.count = count;
    this.library = library;
    worker.on('message', (answer: Answer) => this.hear(answer));
    worker.on('error', (error) => {
      for (const { failed } of this.waiting.values()) failed(error);
    });
    this.beats = setInterval(() => this.beat(), BEAT_MS);
    this.beats.unref();
  }

  /**
   * Joins the other processes of the run. Waits until all have joined.
   * @param thread the built mpi/worker.ts
   * @param launched what the launcher says; undefined if it says nothing
   * @throws PixtapeError if there is no MPI library, it is not the launcher's, or the ranks do not come together
   */
  static async join(thread: URL, launched: Launched | undefined): Promise<RankGroup> {
    const flavour = launched?.launcher.startsWith('MPICH') ? 'MPICH' : 'Open MPI';
    const worker = new Worker(thread, { workerData: { flavour } satisfies WorkerData });
    const group = await inTime(RankGroup.begin(worker));
    const wanted = launched?.ranks ?? group.count;
    if (group.count !== wanted) {
      throw new PixtapeError(
        `${launched?.launcher} has started ${wanted} ranks, but ${group.library} sees ${group.count}: launcher and library are not of the same MPI`,
        `Name the launcher's library in ${MPI_VARIABLE}, or use the library's launcher; under Slurm, try srun --mpi=pmix or --mpi=pmi2.`,
      );
    }
    const me: Member = { rank: group.rank, host: hostname(), pid: process.pid };
    group.members = await inTime(group.all(me));
    await group.ask((id) => ({
      kind: 'watch',
      id,
      names: group.members.map((m) => `${nameOf(m)}, process ${m.pid},`),
    }));
    return group;
  }

  /** Gathers every rank's value, in the order of the ranks. Takes any value that JSON can hold. */
  async all<T>(value: T): Promise<T[]> {
    const bytes = new TextEncoder().encode(JSON.stringify(value ?? null));
    const given = await this.ask<Uint8Array[]>((id) => ({ kind: 'bytes', id, bytes }));
    return given.map((text) => JSON.parse(new TextDecoder().decode(text)) as T);
  }

  /** Returns rank 0's value on every rank. */
  async fromFirst<T>(value: T): Promise<T> {
    const [first] = await this.all(this.rank === 0 ? value : undefined);
    return first as T;
  }

  /** As `Ranks.mean` of the engine. */
  mean(values: Float32Array, meeting: number, mayRound: boolean): Promise<Float32Array> {
    if (!mayRound) this.look(values, meeting);
    const halves = mayRound && this.compress;
    const sent = Math.ceil(((halves ? 1 : 2) * values.byteLength * (this.count - 1)) / this.count);
    const kind = halves ? 'mean in halves' : 'mean';
    return this.meet(sent, (id) => ({ kind, id, values, meeting }), values);
  }

  /** As `Ranks.gather` of the engine. */
  gather(values: Float32Array, meeting: number): Promise<Float32Array> {
    this.look(values, meeting);
    const sent = values.byteLength * (this.count - 1);
    return this.meet(sent, (id) => ({ kind: 'gather', id, values, meeting }), values);
  }

  /** Says that a driver may hold this thread up from now on. @returns what is to be called once that is over */
  beginLongWork = (): (() => void) => {
    let over = false;
    this.longWork++;
    this.beat();
    return () => {
      if (over) return;
      over = true;
      this.longWork--;
      // At once: a thread that hangs before the next heartbeat is due would be waited for as if a driver still compiled.
      this.beat();
    };
  };

  private beat(): void {
    this.say({ kind: 'beat', patient: this.longWork > 0 });
  }

  /**
   * The first meeting to which this rank came with losses or statistics that were not finite. Gradients are not looked at:
   * with halves they overflow as a matter of course.
   */
  get firstNotFinite(): number | undefined {
    return this.ill;
  }

  private look(values: Float32Array, meeting: number): void {
    if (this.ill === undefined && !values.every(Number.isFinite)) this.ill = meeting;
  }

  /** Ends the processes of all ranks. Never returns. */
  async abort(): Promise<never> {
    this.say({ kind: 'abort' });
    return new Promise(() => undefined);
  }

  /** Leaves the run. Waits until all ranks do. */
  async leave(): Promise<void> {
    await this.all(true);
    clearInterval(this.beats);
    await this.ask((id) => ({ kind: 'leave', id }));
    await this.worker.terminate();
  }

  private async meet(sent: number, order: (id: number) => Order, { buffer }: Float32Array): Promise<Float32Array> {
    const start = performance.now();
    const result = await this.ask<Float32Array>(order, [buffer as ArrayBuffer]);
    this.traffic.meetings++;
    this.traffic.bytes += sent;
    this.traffic.seconds += (performance.now() - start) / 1000;
    return result;
  }

  private ask<T>(order: (id: number) => Order, transfer: ArrayBuffer[] = []): Promise<T> {
    const id = this.orders++;
    return new Promise<T>((done, failed) => {
      this.waiting.set(id, { done, failed });
      this.say(order(id), transfer);
    });
  }

  private say(order: Order, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(order, transfer);
  }

  private hear(answer: Answer): void {
    if (answer.kind !== 'answer' && answer.kind !== 'error') return;
    const asked = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if (answer.kind === 'answer') {
      this.traffic.adding = answer.adding;
      asked?.done(answer.result as never);
    }
    if (answer.kind === 'error') asked?.failed(new Error(`MPI: ${answer.message}`));
  }

  /** Waits until the thread has joined the world. */
  private static begin(worker: Worker): Promise<RankGroup> {
    return new Promise((done, failed) => {
      worker.once('error', failed);
      worker.once('message', (answer: Answer) => {
        worker.off('error', failed);
        if (answer.kind === 'joined') done(new RankGroup(worker, answer));
        else if (answer.kind === 'failed') failed(new PixtapeError(answer.message, answer.hint));
      });
    });
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, failed) => {
    const error = new PixtapeError(
      `the ranks have not come together within ${JOIN_SECONDS} s: they cannot reach one another, or one did not start`,
      "Look for a firewall between the hosts; name the network to use, e.g. Open MPI's --mca btl_tcp_if_include eth0.",
    );
    timer = setTimeout(() => failed(error), JOIN_SECONDS * 1000);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
