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

/** How often a holder shows that it lives, and from when on a silent one counts as gone, in milliseconds. */
export interface LockTimes {
  beat: number;
  /** A holder on another machine. Long: a laptop sleeps, a network drops, and nobody can ask. */
  silent: number;
  /** One of an earlier boot of this machine or another container on it: watched this long for a heartbeat. */
  watch: number;
}
const TIMES: LockTimes = { beat: 15_000, silent: 300_000, watch: 40_000 };

export interface LockOptions {
  /** What holds it, for the one who is refused: `pixtape train`. */
  command: string;
  /** What a refused user can do instead. */
  hint: string;
  /** Called if the lock has to be watched for a while. */
  note?: (line: string) => void;
  /** An empty folder means nothing: it goes on release even if it was there before. */
  dropEmpty?: boolean;
  times?: LockTimes;
}

/** Somebody else writes into the folder. */
export class FolderInUse extends PixtapeError {}

/**
 * A folder that one process at a time writes into. The lock is a file in it, made with O_EXCL, that names process,
 * machine and boot: one left by a crash or a reboot is recognised at once on the same machine. Across machines a heartbeat
 * tells; `verify` finds out where another machine has taken the folder over meanwhile.
 */
export class FolderLock {
  readonly folder: string;
  private readonly path: string;
  private readonly text: string;
  private readonly token: string;
  /** The topmost folder that goes with it if nothing else is in it: one that had to be made. */
  private readonly made: string | undefined;
  private readonly timer: NodeJS.Timeout;
  private released = false;

  private constructor(folder: string, holder: Holder, made: string | undefined, beat: number) {
    this.folder = folder;
    this.path = join(folder, LOCK_FILE);
    this.token = holder.token;
    this.text = textOf(holder);
    this.made = made;
    // What cannot be written now may be written the next time; `verify` is strict.
    this.timer = setInterval(() => void this.beat().catch(() => undefined), beat).unref();
    held.add(this);
  }

  /**
   * Takes the folder, which is made if missing, and removes what killed processes left half-written in it.
   * @throws FolderInUse where another process has it; PixtapeError where the folder cannot be written to.
   */
  static async take(folder: string, options: LockOptions): Promise<FolderLock> {
    const { command, dropEmpty, times = TIMES } = options;
    const token = randomBytes(12).toString('hex');
    const holder: Holder = { ...thisProcess(), token, command, since: new Date().toISOString() };
    const path = join(folder, LOCK_FILE);
    try {
      let made: string | undefined;
      let settle = false;
      // Another process may remove the empty folder just now. Make it again.
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
      // Others may have found the old one stale at the same moment: what they put aside by mistake is back by then.
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
   * Makes sure that the folder is still this process's, before something is written that another must not mix with. A
   * lock file that somebody deleted is put back.
   * @throws FolderInUse where another process has taken the folder over.
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
        await pause(50); // a file that is being written or put back
      }
    } catch (error) {
      throw await explainDiskError(error, this.path);
    }
  }

  /** Gives the folder back; one that was made for the lock and is empty still goes. */
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
      // Gone, or on a disk that has gone: a lock of a process that has ended counts for nothing.
    }
  }

  /** Writes the same text again: that alone gives the file a new date by its own system's clock. */
  private async beat(): Promise<void> {
    const handle = await open(this.path, 'r+');
    try {
      if ((await handle.readFile('utf8')) === this.text) await handle.write(this.text, 0);
    } finally {
      await handle.close();
    }
  }
}

/** Those of this process. */
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
  // Another container with the same name, an earlier boot, a text that was never finished.
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
