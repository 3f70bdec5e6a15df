import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../../../files/files.ts';
import { listFolder, makeFolder, removeFile } from '../../../../files/folder.ts';

const NAME = /^step-(\d{6,})\.png$/;
const nameOf = (step: number): string => `step-${String(step).padStart(6, '0')}.png`;

/** The sample grids of a run, `step-000123.png` and so on, in a folder of their own. */
export class SampleStore {
  readonly folder: string;
  private readonly steps: Set<number>;

  private constructor(folder: string, steps: Iterable<number>) {
    this.folder = folder;
    this.steps = new Set(steps);
  }

  /**
   * Opens the folder, or creates it. Deletes pictures after `lastStep`: they come from a run that got further than its
   * last checkpoint, or, with −1, from another run. Keeps files of any other name.
   */
  static async open(folder: string, lastStep: number): Promise<SampleStore> {
    await makeFolder(folder);
    const kept: number[] = [];
    for (const name of (await listFolder(folder)) ?? []) {
      const step = Number(NAME.exec(name)?.[1] ?? Number.NaN);
      if (Number.isNaN(step)) continue;
      if (step > lastStep) await removeFile(join(folder, name));
      else kept.push(step);
    }
    return new SampleStore(folder, kept);
  }

  /** Keeps the grid of a step. @throws DiskError */
  async add(step: number, png: Uint8Array): Promise<string> {
    const path = join(this.folder, nameOf(step));
    await writeFileAtomic(path, png);
    this.steps.add(step);
    return path;
  }

  /** Reads all grids in order of steps. Grids that have been deleted meanwhile are skipped. */
  async read(): Promise<{ step: number; png: Uint8Array }[]> {
    const grids: { step: number; png: Uint8Array }[] = [];
    for (const step of [...this.steps].sort((a, b) => a - b)) {
      const png = await readFile(join(this.folder, nameOf(step))).catch(() => undefined);
      if (png) grids.push({ step, png });
    }
    return grids;
  }
}
