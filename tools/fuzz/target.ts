/**
 * Reads damaged files as the program would, one path at a time, in its own process. A file may be read, or refused with a
 * PixtapeError. Reports anything else.
 */
import { readFile } from 'node:fs/promises';
import { PixtapeError } from '../../src/engine/util/errors.ts';
import { openWeights } from '../../src/files/weights/open_weights.ts';
import { readClassTable } from '../../src/pix2pix/data/files/class_pictures.ts';
import { decode, inspect } from '../../src/pix2pix/data/image/decode.ts';
import { generatorTensors, readCheckpointHeader, reading } from '../../src/pix2pix/train/checkpoint/checkpoint.ts';
import { exportOnnx } from '../../src/pix2pix/train/checkpoint/export.ts';
import { readGanHeader } from '../../src/pix2pix/train/checkpoint/gan_checkpoint.ts';
import { importGenerator } from '../../src/pix2pix/train/checkpoint/import.ts';
import { unzip } from '../../src/web/train/sources/unzip.ts';

export interface Answer {
  /** `read`, `refused`, or what went wrong. */
  outcome: string;
  /** The process's peak memory so far, in bytes. */
  peak: number;
}

type Reader = (path: string) => Promise<unknown>;

/** Every way to read a file. All are tried, even after an error. */
const picture: Reader = (path) =>
  all(path, [
    () => inspect(path),
    () => decode(path),
    () => decode(path, { channels: 5, range: { min: 0, max: 1000 } }),
  ]);

const READERS: Readonly<Record<string, Reader>> = {
  safetensors: weights,
  pth: weights,
  checkpoint,
  config: checkpoint,
  npy: picture,
  zip: async (path) => unzip(new Uint8Array(await readFile(path)), path),
  csv: (path) => readClassTable(path, undefined),
};

async function weights(path: string): Promise<void> {
  const file = await openWeights(path);
  try {
    await all(path, [
      async () => {
        for (const name of file.entries.keys()) await file.read(name);
      },
      () => importGenerator(file, { dropout: 0 }),
    ]);
  } finally {
    await file.close();
  }
}

/** Reads a checkpoint without a device: description, tensors, and whether they fit the networks. */
async function checkpoint(path: string): Promise<void> {
  await all(path, [
    () => readGanHeader(path),
    async () => {
      const header = await readCheckpointHeader(path);
      const tensors = await reading(path, (file) => generatorTensors(file));
      await exportOnnx(header, tensors, path);
    },
  ]);
}

async function all(path: string, tries: readonly (() => Promise<unknown>)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const attempt of tries) await attempt().catch((error: unknown) => errors.push(error));
  const unnamed = errors.find((error) => !(error as Error).message.includes(path));
  const worst = errors.find((error) => !(error instanceof PixtapeError)) ?? unnamed ?? errors[0];
  if (worst !== undefined) throw worst;
}

process.on('message', async ({ kind, path }: { kind: string; path: string }) => {
  let outcome = 'read';
  try {
    await (READERS[kind] ?? picture)(path);
  } catch (error) {
    outcome = error instanceof PixtapeError ? 'refused' : `threw ${(error as Error)?.stack ?? String(error)}`;
    if (error instanceof PixtapeError && !error.message.includes(path))
      outcome = `does not name the file: ${error.message}`;
  }
  const answer: Answer = { outcome, peak: 1024 * process.resourceUsage().maxRSS };
  process.send?.(answer);
});
