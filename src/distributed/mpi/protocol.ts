/** Orders from a process to its MPI thread. Each is answered once, by its id, except a beat and an abort. */
export type Order =
  | { kind: 'bytes'; id: number; bytes: Uint8Array }
  | { kind: 'gather' | 'mean' | 'mean in halves'; id: number; values: Float32Array; meeting: number }
  | { kind: 'watch'; id: number; names: readonly string[] }
  | { kind: 'leave'; id: number }
  | { kind: 'beat'; patient: boolean }
  | { kind: 'abort' };

export type Answer =
  | { kind: 'joined'; rank: number; count: number; library: string }
  | { kind: 'failed'; message: string; hint: string | undefined }
  /** With the seconds in which the thread has added values up so far. */
  | { kind: 'answer'; id: number; result: unknown; adding: number }
  | { kind: 'error'; id: number; message: string };

/** Passed to the thread when it starts. */
export interface WorkerData {
  flavour: 'Open MPI' | 'MPICH';
}

/** First tag of a program's meetings, which take two tags each. Lower tags belong to the run itself. */
export const MEETING_TAGS = 16;
/** First of the two tags for exchanging text. */
export const BYTES_TAG = 2;
