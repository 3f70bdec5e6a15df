import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { watchInterrupt } from '../../../src/cli/run/interrupt.ts';
import { writeFileAtomic } from '../../../src/files/files.ts';
import { temporaryFolders } from '../../pix2pix/train/tiny.ts';

const folder = temporaryFolders();
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Records signals instead of ending this process. */
const signal = (name: 'SIGINT' | 'SIGTERM') => process.emit(name, name);

it('notes the first Ctrl-C, ignores its echo, and ends the process at the second', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  const onFirst = vi.fn();
  const { asked, stop } = watchInterrupt(onFirst);
  expect(asked()).toBe(false);
  signal('SIGINT');
  expect(asked()).toBe(true);
  vi.advanceTimersByTime(20);
  signal('SIGINT'); // npm forwards what the terminal has already sent
  expect(onFirst).toHaveBeenCalledTimes(1);
  expect(exit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1000);
  signal('SIGTERM');
  expect(onFirst).toHaveBeenCalledTimes(1);
  expect(exit).toHaveBeenCalledWith(130);
  stop();
  expect(process.listenerCount('SIGTERM')).toBe(0);
});

it('leaves no partial file when it ends the process', async () => {
  const path = join(folder(), 'latest.safetensors');
  vi.useFakeTimers({ toFake: ['performance'] });
  const left: string[][] = [];
  vi.spyOn(process, 'exit').mockImplementation(() => left.push(readdirSync(join(path, '..'))) as never);
  const { stop } = watchInterrupt(() => {});
  const writing = writeFileAtomic(path, new Uint8Array(200_000_000));
  await vi.waitFor(() => expect(readdirSync(join(path, '..'))).toHaveLength(1));
  signal('SIGINT');
  vi.advanceTimersByTime(1000);
  signal('SIGINT');
  expect(left).toEqual([[]]);
  stop();
  // The process would have ended: here the writing finds its file gone.
  await expect(writing).rejects.toThrow();
  expect(existsSync(path)).toBe(false);
});
