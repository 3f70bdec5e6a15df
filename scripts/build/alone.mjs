/** Serialises what two commands must not do at once: installing packages into one clone, building its dist/. */
import { closeSync, linkSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
/** A lock without a process number is stale after this long: its writer died while creating it. */
const UNFINISHED_MS = 5000;

/**
 * Waits for the lock `file`, runs `work`, and removes the lock. The lock holds a process number; a lock left by a
 * killed process is taken over. Unlike src/files/lock/lock.ts this needs no build, and works on one machine only.
 * @param waiting called once if another process holds the lock
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

/** The text of a lock that no process holds; undefined if one does, or the lock is gone. */
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

/** Removes a stale lock. Puts back a lock that another process created meanwhile. */
function clear(file, stale) {
  const aside = `${file}.${process.pid}.tmp`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== stale) linkSync(aside, file);
  } catch {
    // The lock is gone or taken again: look once more.
  }
  rmSync(aside, { force: true });
}
