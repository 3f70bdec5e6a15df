import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { explainDiskError } from './disk_error.ts';
import { makeFolder } from './folder.ts';

/** A text file that grows by whole lines. */
export class AppendedFile {
  readonly path: string;
  #file: number | undefined;

  private constructor(path: string, file: number) {
    this.path = path;
    this.#file = file;
  }

  /** Opens the file; creates it and its folder if missing. @throws DiskError */
  static async open(path: string): Promise<AppendedFile> {
    await makeFolder(dirname(path));
    try {
      return new AppendedFile(path, openSync(path, 'a'));
    } catch (error) {
      throw await explainDiskError(error, path);
    }
  }

  /**
   * Appends text in one write, so that a killed process tears at most the last line. If the disk takes only a part,
   * removes it again.
   * @throws DiskError
   */
  async append(text: string): Promise<void> {
    const file = this.#file;
    if (file === undefined) throw new Error(`${this.path} is closed.`);
    const bytes = Buffer.from(text);
    const before = fstatSync(file).size;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    } catch (error) {
      try {
        ftruncateSync(file, before);
      } catch {
        // A pipe or a device: what was written cannot be taken back.
      }
      throw await explainDiskError(error, this.path, { bytes: bytes.length });
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}
