/**
 * Calls from the page to a worker, typed on both sides, and events that the worker sends by itself. Errors arrive with
 * their message and hint. The page does no computing of its own: that is what keeps it answering while a network trains.
 */
import { PixtapeError } from '../../engine/util/errors.ts';

// biome-ignore lint/suspicious/noExplicitAny: the arguments of any call there is.
export type Calls = Record<string, (...args: any[]) => unknown>;

interface Request {
  id: number;
  name: string;
  args: unknown[];
}

type Answer = { id: number; value: unknown } | { id: number; failure: Failure } | { event: unknown };

/** What is left of an error on its way between threads. */
export interface Failure {
  message: string;
  hint?: string;
}

/** The page's end. `Event` is what the worker may send unasked. */
export class Remote<C extends Calls, Event = never> {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private calls = 0;

  constructor(worker: Worker, onEvent: (event: Event) => void = () => undefined) {
    this.worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
      if ('event' in data) return onEvent(data.event as Event);
      const call = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if ('failure' in data) call?.reject(revive(data.failure));
      else call?.resolve(data.value);
    });
    worker.addEventListener('error', (event) => {
      for (const call of this.waiting.values()) call.reject(new Error(`the worker failed: ${event.message}`));
      this.waiting.clear();
    });
  }

  /** @param transfer buffers among the arguments that are given away instead of copied */
  call<K extends keyof C & string>(name: K, args: Parameters<C[K]>, transfer: Transferable[] = []) {
    const id = this.calls++;
    return new Promise<Awaited<ReturnType<C[K]>>>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.worker.postMessage({ id, name, args } satisfies Request, transfer);
    });
  }
}

/** In lib.dom a worker's `self` is taken for a window; a port has the calls that it really has. */
const port = globalThis as unknown as MessagePort;
const given = new WeakMap<object, Transferable[]>();

/** Marks the result of a call: these buffers in it are given away instead of copied. */
export function giving<T extends object>(value: T, ...buffers: Transferable[]): T {
  given.set(value, buffers);
  return value;
}

/**
 * The worker's end: answers calls until the page is closed.
 * @param inTurn finish one call before the next is begun
 */
export function serve(calls: Calls, { inTurn = false } = {}): void {
  let before: Promise<unknown> = Promise.resolve();
  port.addEventListener('message', ({ data }: MessageEvent<Request>) => {
    const answer = () => answerCall(calls, data);
    before = inTurn ? before.then(answer) : answer();
  });
}

async function answerCall(calls: Calls, { id, name, args }: Request): Promise<void> {
  try {
    const value = await calls[name]?.(...args);
    const transfer = typeof value === 'object' && value !== null ? given.get(value) : undefined;
    port.postMessage({ id, value } satisfies Answer, transfer ?? []);
  } catch (error) {
    port.postMessage({ id, failure: failureOf(error) } satisfies Answer);
  }
}

/** Sends the page an event. */
export function emit(event: unknown): void {
  port.postMessage({ event } satisfies Answer);
}

export function failureOf(error: unknown): Failure {
  if (error instanceof PixtapeError) {
    const message = error.message.split('\n  → ')[0] as string;
    return error.hint === undefined ? { message } : { message, hint: error.hint };
  }
  return { message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

export function revive({ message, hint }: Failure): Error {
  return hint === undefined ? new Error(message) : new PixtapeError(message, hint);
}
