import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { PixtapeError } from '../../src/engine/util/errors.ts';
import { FolderInUse, FolderLock, LOCK_FILE } from '../../src/files/lock/lock.ts';
import { bundleScript, runScript } from './script.ts';

const TIMES = { beat: 50, silent: 60_000, watch: 400 };
const take = (path: string, notes: string[] = []) => {
  return FolderLock.take(path, {
    command: 'pixtape train',
    hint: 'Do something else.',
    times: TIMES,
    note: (line) => notes.push(line),
  });
};

/** Locks argv[2], prints `held` or the reason, and holds it until told to end; `now` releases it at once. */
const HOLDER = `
  import { FolderLock } from './src/files/lock/lock.ts';
  try {
    const lock = await FolderLock.take(process.argv[2], { command: 'other command', hint: 'Wait.' });
    console.log('held');
    if (process.argv[3] === 'exit') process.exit(0);
    setInterval(() => {}, 1000);
  } catch (error) {
    console.log(error.message);
  }
`;

let scripts: string;
let holder: string;
let folder: string;
beforeAll(async () => {
  scripts = await fs.mkdtemp(join(tmpdir(), 'pixtape-lock-'));
  holder = bundleScript(HOLDER, scripts, 'holder');
});
beforeEach(async () => {
  folder = await fs.mkdtemp(join(scripts, 'run-'));
});
const locks: FolderLock[] = [];
afterEach(async () => {
  for (const lock of locks.splice(0)) await lock.release();
});
afterAll(() => fs.rm(scripts, { recursive: true, force: true }));

const held = async (path = folder, notes: string[] = []) => {
  const lock = await take(path, notes);
  locks.push(lock);
  return lock;
};

/** Changes what a lock file says about its holder. It replaces the file, so that no heartbeat writes into the new text. */
async function rewrite(change: Record<string, unknown>): Promise<void> {
  const path = join(folder, LOCK_FILE);
  const text = `${JSON.stringify({ ...JSON.parse(await fs.readFile(path, 'utf8')), ...change })}\n`;
  await fs.writeFile(join(scripts, 'rewritten'), text);
  await fs.rename(join(scripts, 'rewritten'), path);
}

it('refuses a folder that this process or another one writes into, and names the process', async () => {
  const lock = await held();
  await expect(take(folder)).rejects.toThrow(FolderInUse);
  expect(await runScript(holder, [folder]).all).toContain(
    `${folder} is in use: pixtape train (process ${process.pid}, since `,
  );
  await lock.release();
  const other = runScript(holder, [folder]);
  expect(await other.first).toBe('held');
  const error: unknown = await take(folder).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(PixtapeError);
  expect(String(error)).toContain(`other command (process ${other.child.pid}`);
  expect(String(error)).toContain('→ Do something else.');
  other.child.kill('SIGKILL');
  await other.all;
});

it('is free at once after kill -9, and after process.exit', async () => {
  const killed = runScript(holder, [folder]);
  expect(await killed.first).toBe('held');
  killed.child.kill('SIGKILL');
  await killed.all;
  expect(await fs.readdir(folder)).toEqual([LOCK_FILE]);
  const start = performance.now();
  await (await held()).release();
  expect(performance.now() - start).toBeLessThan(2000);
  await runScript(holder, [folder, 'exit']).all;
  expect(await fs.readdir(folder)).toEqual([]);
});

it('recognises a process number that was reused', async ({ skip }) => {
  skip(process.platform !== 'linux', 'only Linux tells when a process started');
  const lock = await held();
  await rewrite({ token: 'x', started: '12' });
  await held();
  await lock.release();
  // The process that lost its lock file did not remove the other's.
  expect(await fs.readdir(folder)).toEqual([LOCK_FILE]);
});

it('waits for a heartbeat after a reboot or in another container, and says so', async () => {
  const first = await held();
  await rewrite({ token: 'x', place: 'an earlier boot', pid: 1 });
  const notes: string[] = [];
  const start = performance.now();
  await held(folder, notes);
  expect(performance.now() - start).toBeGreaterThan(TIMES.watch * 0.9);
  expect(notes.join()).toMatch(/waiting up to 1 s for a sign of life/);
  await first.release();

  await rewrite({ token: 'y', place: 'another container', pid: 1 });
  const text = await fs.readFile(join(folder, LOCK_FILE), 'utf8');
  const beating = setInterval(() => void fs.writeFile(join(folder, LOCK_FILE), text), 20);
  await expect(take(folder)).rejects.toThrow(FolderInUse);
  clearInterval(beating);
});

it('trusts another machine until it has been silent for long', async () => {
  await held();
  await rewrite({ token: 'x', host: 'far-away', place: 'there' });
  await expect(take(folder)).rejects.toThrow(/on far-away, since .*, last sign of life 2/);
  const old = new Date(Date.now() - TIMES.silent - 5000);
  await fs.utimes(join(folder, LOCK_FILE), old, old);
  await held();
});

it('sends heartbeats', async () => {
  await held();
  const path = join(folder, LOCK_FILE);
  const old = new Date(Date.now() - 100_000);
  await fs.utimes(path, old, old);
  await expect.poll(async () => Date.now() - (await fs.stat(path)).mtimeMs).toBeLessThan(50_000);
});

it('notices that another one has taken the folder over, and restores a deleted lock file', async () => {
  const lock = await held();
  await lock.verify();
  await fs.rm(folder, { recursive: true });
  await lock.verify();
  expect(await fs.readdir(folder)).toEqual([LOCK_FILE]);
  await rewrite({ token: 'x', host: 'far-away', place: 'there' });
  await expect(lock.verify()).rejects.toThrow(/far-away.*writes into it\n {2}→ This run has stopped/s);
  await lock.release();
  expect(await fs.readdir(folder)).toEqual([LOCK_FILE]);
});

it('treats an unfinished lock file as held until it is old', async () => {
  const path = join(folder, LOCK_FILE);
  await fs.writeFile(path, '{"pid":');
  await held();
  await fs.writeFile(path, '');
  const beating = setInterval(() => void fs.writeFile(path, '{'), 20);
  await expect(take(folder)).rejects.toThrow(/is another process's/);
  clearInterval(beating);
});

it('leaves no folder that was made only for it', async () => {
  const lock = await take(join(folder, 'a', 'b'));
  await lock.release();
  expect(await fs.readdir(folder)).toEqual([]);
  const filled = await take(join(folder, 'c', 'd'));
  await fs.writeFile(join(folder, 'c', 'x'), '');
  await filled.release();
  expect(await fs.readdir(join(folder, 'c'))).toEqual(['x']);
  // An existing empty folder stays, unless it was made for the lock.
  await fs.mkdir(join(folder, 'e'));
  await (await take(join(folder, 'e'))).release();
  expect(await fs.readdir(folder)).toContain('e');
  const options = { command: 'x', hint: '', dropEmpty: true };
  await (await FolderLock.take(join(folder, 'e'), options)).release();
  expect(await fs.readdir(folder)).not.toContain('e');
});

it('is taken while others come and go, who remove the empty folder', async () => {
  const path = join(folder, 'a', 'b');
  const options = { command: 'x', hint: '', dropEmpty: true };
  const comeAndGo = async () => {
    for (let i = 0; i < 40; i++) {
      const lock = await FolderLock.take(path, options).catch((error: unknown) => {
        if (error instanceof FolderInUse) return undefined;
        throw error;
      });
      await lock?.release();
    }
  };
  await Promise.all([comeAndGo(), comeAndGo(), comeAndGo()]);
  await expect(fs.stat(path)).rejects.toThrow('ENOENT');
});

it('is held by only one of many that find it stale at the same moment', { timeout: 120_000 }, async () => {
  const dead = runScript(holder, [folder]);
  await dead.first;
  dead.child.kill('SIGKILL');
  await dead.all;
  for (let round = 0; round < 3; round++) {
    const racers = Array.from({ length: 8 }, () => runScript(holder, [folder]));
    const answers = await Promise.all(racers.map(({ first }) => first));
    expect(answers.filter((answer) => answer === 'held')).toHaveLength(1);
    expect(answers.filter((answer) => answer.includes('is in use'))).toHaveLength(7);
    // They leave a stale lock for the next round.
    for (const { child } of racers) child.kill('SIGKILL');
    await Promise.all(racers.map(({ all }) => all));
  }
  expect(await fs.readdir(folder)).toEqual([LOCK_FILE]);
});
