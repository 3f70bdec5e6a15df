/**
 * The thread that calls MPI, one per rank. Messages then make progress while the main thread records, decodes or
 * writes, and a main thread that hangs is noticed.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PixtapeError } from '../../engine/util/errors.ts';
import { gather, gatherBytes, mean } from './collectives.ts';
import { Endpoint } from './endpoint.ts';
import { meanInHalves, Residual } from './halves.ts';
import { MpiLibrary } from './library.ts';
import { type Answer, BYTES_TAG, MEETING_TAGS, type Order, type WorkerData } from './protocol.ts';
import { Watch } from './watch.ts';

if (!parentPort) throw new Error('this is the thread of a rank, and no program of its own');
const port = parentPort;
let watch: Watch | undefined;

const say = (answer: Answer, transfer: ArrayBuffer[] = []) => port.postMessage(answer, transfer);

try {
  const mpi = await MpiLibrary.open(process.env, (workerData as WorkerData).flavour);
  const endpoint = new Endpoint(mpi, () => watch?.look());
  port.on('message', (order: Order) => void obey(endpoint, order));
  say({ kind: 'joined', rank: endpoint.rank, count: endpoint.count, library: `${mpi.version} (${mpi.file})` });
} catch (error) {
  const { message, hint } = error as PixtapeError;
  const known = error instanceof PixtapeError;
  say({ kind: 'failed', message: (known && message.split('\n')[0]) || message, hint: known ? hint : undefined });
}

async function obey(endpoint: Endpoint, order: Order): Promise<void> {
  if (order.kind === 'beat') return watch?.mainIsAlive(order.patient);
  if (order.kind === 'abort') return endpoint.abort();
  try {
    const result = await answerTo(endpoint, order);
    const floats = result instanceof Float32Array ? [result.buffer as ArrayBuffer] : [];
    say({ kind: 'answer', id: order.id, result, adding: endpoint.adding }, floats);
  } catch (error) {
    say({ kind: 'error', id: order.id, message: (error as Error).message });
  }
}

function answerTo(endpoint: Endpoint, order: Exclude<Order, { kind: 'beat' | 'abort' }>): unknown {
  switch (order.kind) {
    case 'bytes':
      return gatherBytes(endpoint, order.bytes, BYTES_TAG);
    case 'gather':
      return gather(endpoint, order.values, MEETING_TAGS + 2 * order.meeting);
    case 'mean':
      return mean(endpoint, order.values, MEETING_TAGS + 2 * order.meeting);
    case 'mean in halves':
      return meanInHalves(endpoint, order.values, MEETING_TAGS + 2 * order.meeting, residualOf(endpoint, order));
    case 'watch':
      watch = new Watch(endpoint, (rank) => order.names[rank] ?? `rank ${rank}`);
      return undefined;
    case 'leave':
      return leave(endpoint);
  }
}

const residuals = new Map<number, Residual>();

function residualOf(endpoint: Endpoint, { meeting, values }: { meeting: number; values: Float32Array }): Residual {
  const residual = residuals.get(meeting) ?? new Residual(endpoint, values.length);
  residuals.set(meeting, residual);
  return residual;
}

/** Leaves after the last message of all ranks. */
async function leave(endpoint: Endpoint): Promise<void> {
  await watch?.end();
  watch = undefined;
  endpoint.leave();
}
