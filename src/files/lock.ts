import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { constants, copyFile, open, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { PixtapeError } from '../engine/util/errors.ts';
import { codeOf, explainDiskError } from './disk_error.ts';
import { makeFolder } from './folder.ts';
import { isRunning, type ProcessIdentity, thisProcess } from './process.ts';

/** The file that says who writes into a folder. */
export const LOCK_FILE = '.pixtape-lock';

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
  /** Hears that the lock has to be watched for a while. */
  note?: (line: string) => void;
  times?: LockTimes;
}

interface Holder extends ProcessIdentity {
  token: string;
  command: string;
  /** ISO 8601. */
  since: string;
}

/** Somebody else writes into the folder. */
export class FolderInUse extends PixtapeError {}

/** A lock file as it was found; `holder` is undefined where the text cannot be read. */
interface Found {
  holder: Holder | undefined;
  text: string;
  /** By the clock of the file's own system. */
  changed: number;
}

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
  /** The topmost folder that had to be made for it. */
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
   * Takes the folder, which is made if missing.
   * @throws FolderInUse where another process has it; PixtapeError where the folder cannot be written to.
   */
  static async take(folder: string, options: LockOptions): Promise<FolderLock> {
    const { command, times = TIMES } = options;
    const token = randomBytes(12).toString('hex');
    const holder: Holder = { ...thisProcess(), token, command, since: new Date().toISOString() };
    const path = join(folder, LOCK_FILE);
    try {
      const made = await makeFolder(folder);
      let settle = false;
      while (!(await create(path, textOf(holder)))) {
        const found = await read(path);
        if (!found) continue; // given back meanwhile
        if (await isHeld(path, found, times, options.note)) throw inUse(folder, found, options.hint);
        await clear(path, found);
        settle = true;
      }
      // Others may have found the old one stale at the same moment: what they put aside by mistake is back by then.
      if (settle) await pause(200);
      const lock = new FolderLock(folder, holder, made, times.beat);
      await lock.verify();
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
        const found = await read(this.path);
        if (found?.text === this.text) return;
        if (found && attempt >= 3) {
          throw inUse(this.folder, found, 'This run has stopped, so that the two do not mix.');
        }
        if (!found) await makeFolder(this.folder);
        if (!found && (await create(this.path, this.text))) return;
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

const textOf = (holder: Holder): string => `${JSON.stringify(holder)}\n`;

const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));

/** Whether the file is ours now; false where there is one already. */
async function create(path: string, text: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    try {
      await handle.write(text);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Opened anew each time: only that makes a network file system ask its server. Undefined where there is none. */
async function read(path: string): Promise<Found | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const text = await handle.readFile('utf8');
      return { text, holder: parse(text), changed: (await handle.stat()).mtimeMs };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string): Holder | undefined {
  try {
    const { token, pid, host, place, started, command, since } = JSON.parse(text) as Partial<Holder>;
    if (![token, host, place, command, since].every((value) => typeof value === 'string')) return undefined;
    if (!Number.isSafeInteger(pid)) return undefined;
    return { token, pid, host, place, command, since, ...(started ? { started } : {}) } as Holder;
  } catch {
    return undefined; // being written this moment, or damaged
  }
}

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
    const now = await read(path);
    if (!now) return false;
    if (now.text !== found.text || now.changed !== found.changed) return true;
  }
  return false;
}

/** The time by the clock that dates files in this folder: a server's may differ from ours. */
async function clockOf(folder: string): Promise<number> {
  const path = join(folder, `${LOCK_FILE}-clock-${randomBytes(6).toString('hex')}`);
  try {
    await (await open(path, 'wx')).close();
    return (await stat(path)).mtimeMs;
  } finally {
    await rm(path, { force: true });
  }
}

/** Takes a stale lock away, and nothing else: what another process has put there meanwhile is put back. */
async function clear(path: string, stale: Found): Promise<void> {
  const aside = `${path}-stale-${randomBytes(6).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    const moved = await read(aside);
    if (moved && moved.text !== stale.text) await copyFile(aside, path, constants.COPYFILE_EXCL).catch(() => undefined);
  } finally {
    await rm(aside, { force: true });
  }
}

function inUse(folder: string, { holder, changed }: Found, hint: string): FolderInUse {
  if (!holder) return new FolderInUse(`${folder} is in use: ${LOCK_FILE} in it belongs to another process`, hint);
  const { pid, host, command, since } = holder;
  const here = host === thisProcess().host;
  const last = here ? '' : `, last sign of life ${new Date(changed).toLocaleString('sv')}`;
  return new FolderInUse(
    `${folder} is in use: ${command} (process ${pid}${here ? '' : ` on ${host}`}, ` +
      `since ${new Date(since).toLocaleString('sv')}${last}) writes into it`,
    hint,
  );
}
