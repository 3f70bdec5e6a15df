import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { open, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { PixtapeError } from '../../engine/util/errors.ts';
import { codeOf, explainDiskError } from '../disk_error.ts';
import { removeStaleTemporaries } from '../files.ts';
import { makeFolder } from '../folder.ts';
import { clearLock, clockOf, createLock, type Found, type Holder, LOCK_FILE, readLock, textOf } from './lock_file.ts';
import { isRunning, thisProcess } from './process.ts';

export { LOCK_FILE } from './lock_file.ts';

/** How often a holder refreshes its lock, and after how long a silent one counts as gone, in milliseconds. */
export interface LockTimes {
  beat: number;
  /** For a holder on another machine. Long, because a laptop sleeps, a network drops, and nobody can ask. */
  silent: number;
  /** For a holder from an earlier boot or another container of this machine: watch this long for a heartbeat. */
  watch: number;
}
const TIMES: LockTimes = { beat: 15_000, silent: 300_000, watch: 40_000 };

export interface LockOptions {
  /** The holder's command, such as `pixtape train`, shown to a refused user. */
  command: string;
  /** What a refused user can do instead. */
  hint: string;
  /** Called if the lock has to be watched for a while. */
  note?: (line: string) => void;
  /** Remove the folder on release if it is empty, even if it existed before. */
  dropEmpty?: boolean;
  times?: LockTimes;
}

/** Thrown if another process writes into the folder. */
export class FolderInUse extends PixtapeError {}

/**
 * Lets one process at a time write into a folder. The lock is a file in it, created with O_EXCL, that names process,
 * machine and boot. On the same machine a lock left by a crash or a reboot is recognised at once. Across machines a
 * heartbeat decides; `verify` notices if another machine has taken the folder over meanwhile.
 */
export class FolderLock {
  readonly folder: string;
  private readonly path: string;
  private readonly text: string;
  private readonly token: string;
  /** The topmost folder that was created for the lock, to be removed with it if empty. */
  private readonly made: string | undefined;
  private readonly timer: NodeJS.Timeout;
  private released = false;

  private constructor(folder: string, holder: Holder, made: string | undefined, beat: number) {
    this.folder = folder;
    this.path = join(folder, LOCK_FILE);
    this.token = holder.token;
    this.text = textOf(holder);
    this.made = made;
    // A failed heartbeat may succeed the next time; `verify` is strict.
    this.timer = setInterval(() => void this.beat().catch(() => undefined), beat).unref();
    held.add(this);
  }

  /**
   * Locks the folder, creates it if missing, and removes half-written files of killed processes.
   * @throws FolderInUse if another process holds it; PixtapeError if the folder cannot be written to
   */
  static async take(folder: string, options: LockOptions): Promise<FolderLock> {
    const { command, dropEmpty, times = TIMES } = options;
    const token = randomBytes(12).toString('hex');
    const holder: Holder = { ...thisProcess(), token, command, since: new Date().toISOString() };
    const path = join(folder, LOCK_FILE);
    try {
      let made: string | undefined;
      let settle = false;
      // Another process may just have removed the empty folder: create it again.
      const create = async (tries = 5): Promise<boolean> => {
        made = (await makeFolder(folder)) ?? made;
        return createLock(path, textOf(holder)).catch((error: unknown) => {
          if (codeOf(error) === 'ENOENT' && tries > 0) return create(tries - 1);
          throw error;
        });
      };
      while (!(await create())) {
        const found = await readLock(path);
        if (!found) continue; // given back meanwhile
        if (await isHeld(path, found, times, options.note)) throw inUse(folder, found, options.hint);
        await clearLock(path, found);
        settle = true;
      }
      // Others may have found the old lock stale at the same moment. By then they have put back what they moved by
      // mistake.
      if (settle) await pause(200);
      const lock = new FolderLock(folder, holder, made ?? (dropEmpty ? folder : undefined), times.beat);
      await lock.verify().catch((error: unknown) => {
        lock.removeNow();
        throw error;
      });
      await removeStaleTemporaries(folder);
      return lock;
    } catch (error) {
      throw await explainDiskError(error, path);
    }
  }

  /**
   * Checks that this process still holds the folder, before it writes. Restores a deleted lock file.
   * @throws FolderInUse if another process has taken the folder over
   */
  async verify(): Promise<void> {
    if (this.released) throw new Error(`the lock of ${this.folder} has been given back`);
    try {
      for (let attempt = 0; ; attempt++) {
        const found = await readLock(this.path);
        if (found?.text === this.text) return;
        if (found && attempt >= 3) {
          throw inUse(this.folder, found, 'This run has stopped, so that the two do not mix.');
        }
        if (!found) await makeFolder(this.folder);
        if (!found && (await createLock(this.path, this.text))) return;
        await pause(50); // the file may be being written or put back
      }
    } catch (error) {
      throw await explainDiskError(error, this.path);
    }
  }

  /** Releases the lock. Removes the folder if it was created for the lock and is still empty. */
  async release(): Promise<void> {
    this.removeNow();
    for (let folder = this.folder; this.made; folder = dirname(folder)) {
      const gone = await rmdir(folder).then(
        () => true,
        () => false,
      );
      if (!gone || resolve(folder) === resolve(this.made)) return;
    }
  }

  /** The synchronous part of `release`, for the end of the process. */
  removeNow(): void {
    if (this.released) return;
    this.released = true;
    clearInterval(this.timer);
    held.delete(this);
    try {
      if (readFileSync(this.path, 'utf8') === this.text) rmSync(this.path, { force: true });
    } catch {
      // The lock or its disk is gone. A lock of an ended process has no effect anyway.
    }
  }

  /** Writes the same text again: only that dates the file by its own file system's clock. */
  private async beat(): Promise<void> {
    const handle = await open(this.path, 'r+');
    try {
      if ((await handle.readFile('utf8')) === this.text) await handle.write(this.text, 0);
    } finally {
      await handle.close();
    }
  }
}

/** The locks of this process. */
const held = new Set<FolderLock>();
process.on('exit', () => {
  for (const lock of held) lock.removeNow();
});

const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));

async function isHeld(path: string, found: Found, times: LockTimes, note?: (line: string) => void): Promise<boolean> {
  const running = found.holder && isRunning(found.holder);
  if (running !== undefined) return running;
  const silence = (await clockOf(dirname(path))) - found.changed;
  if (silence > times.silent) return false;
  const here = found.holder?.host === thisProcess().host;
  if (found.holder && !here) return true;
  // It may be another container with the same name, an earlier boot, or an unfinished text.
  note?.(`${path}: waiting up to ${Math.ceil(times.watch / 1000)} s for a sign of life of the process that made it`);
  for (const end = performance.now() + times.watch; performance.now() < end; ) {
    await pause(Math.min(1000, times.watch / 4));
    const now = await readLock(path);
    if (!now) return false;
    if (now.text !== found.text || now.changed !== found.changed) return true;
  }
  return false;
}

function inUse(folder: string, { holder, changed }: Found, hint: string): FolderInUse {
  const info = { code: 'in-use', details: { folder, holder } } as const;
  if (!holder) return new FolderInUse(`${folder} is in use: ${LOCK_FILE} in it is another process's`, hint, info);
  const { pid, host, command, since } = holder;
  const here = host === thisProcess().host;
  const last = here ? '' : `, last sign of life ${new Date(changed).toLocaleString('sv')}`;
  return new FolderInUse(
    `${folder} is in use: ${command} (process ${pid}${here ? '' : ` on ${host}`}, ` +
      `since ${new Date(since).toLocaleString('sv')}${last}) writes into it`,
    hint,
    info,
  );
}
