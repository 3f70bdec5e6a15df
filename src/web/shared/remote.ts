/**
 * Calls between the page and its workers, through Comlink. Errors keep their hints. The page computes nothing itself,
 * so it stays responsive while a network trains.
 */
import { type Remote, transferHandlers, wrap } from 'comlink';
import { PixtapeError } from '../../engine/util/errors.ts';

export { expose, proxy, transfer } from 'comlink';

/** An error in transit between threads. */
export interface Failure {
  message: string;
  hint?: string;
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

// Comlink's own handler keeps only message, name and stack.
const thrown = transferHandlers.get('throw');
if (!thrown) throw new Error('comlink has no handler for errors');
transferHandlers.set('throw', {
  canHandle: thrown.canHandle,
  serialize: (value: unknown) => [failureOf((value as { value: unknown }).value), []],
  deserialize(failure: Failure): never {
    throw revive(failure);
  },
});

/** Connects to a worker's calls. They reject if the worker fails, where Comlink alone would wait forever. */
export function connect<Calls>(worker: Worker): Remote<Calls> {
  const pending = new Set<(error: Error) => void>();
  worker.addEventListener('error', ({ message }) => {
    for (const reject of pending) reject(new Error(`the worker failed: ${message}`));
  });
  return new Proxy(wrap<Calls>(worker), {
    get(remote, name) {
      const call = Reflect.get(remote, name) as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) =>
        new Promise((resolve, reject) => {
          pending.add(reject);
          call(...args)
            .then(resolve, reject)
            .finally(() => pending.delete(reject));
        });
    },
  });
}
