/** For what two commands started at once must not do at the same time: install packages into one clone, build its dist/. */
import { closeSync, linkSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
/** Whoever wrote no number has died while it began. */
const UNFINISHED_MS = 5000;

/**
 * Waits for the lock `file`, runs `work`, and removes the lock. The lock holds the number of the process; one that a killed
 * process left is taken over. Unlike src/files/lock/lock.ts it needs no build, and works on one machine only.
 * @param waiting hears, once, that there is somebody else
 */
export async function alone(file, waiting, work) {
  for (let told = false; !take(file); await pause(200)) {
    const stale = staleText(file);
    if (stale !== undefined) clear(file, stale);
    else if (!told) {
      told = true;
      waiting();
    }
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file) {
  try {
    const fd = openSync(file, 'wx');
    writeSync(fd, String(process.pid));
    closeSync(fd);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** What stands in a lock that nobody has; undefined where somebody has it, or it is gone. */
function staleText(file) {
  try {
    const text = readFileSync(file, 'utf8');
    if (text === '') return Date.now() - statSync(file).mtimeMs < UNFINISHED_MS ? undefined : text;
    return isRunning(Number(text)) ? undefined : text;
  } catch {
    return undefined;
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Takes a stale lock away; what another process has put there meanwhile is put back. */
function clear(file, stale) {
  const aside = `${file}.${process.pid}.tmp`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== stale) linkSync(aside, file);
  } catch {
    // The lock is gone or taken again. Look once more.
  }
  rmSync(aside, { force: true });
}
