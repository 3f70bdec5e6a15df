/** What a process asks of its thread for MPI. Every order but a beat and an abort is answered once, by its number. */
export type Order =
  | { kind: 'bytes'; id: number; bytes: Uint8Array }
  | { kind: 'gather' | 'mean' | 'mean in halves'; id: number; values: Float32Array; meeting: number }
  | { kind: 'watch'; id: number; names: readonly string[] }
  | { kind: 'leave'; id: number }
  | { kind: 'beat' }
  | { kind: 'abort' };

export type Answer =
  | { kind: 'joined'; rank: number; count: number; library: string }
  | { kind: 'failed'; message: string; hint: string | undefined }
  | { kind: 'answer'; id: number; result: unknown }
  | { kind: 'error'; id: number; message: string };

/** Given to the thread at its start. */
export interface WorkerData {
  flavour: 'Open MPI' | 'MPICH';
}

/** Tags of meetings in a program begin here, two for each; below are those of the run itself. */
export const MEETING_TAGS = 16;
/** The tags of the exchange of texts. */
export const BYTES_TAG = 2;
