import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';

const run = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: 'utf8' });

/** Whether this process may mount a file system: root on Linux, and not in every container. */
const canMount = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(join(tmpdir(), 'pixtape-mount-'));
  const mounted = run('mount', '-t', 'tmpfs', 'tmpfs', folder).status === 0;
  if (mounted) run('umount', folder);
  rmSync(folder, { recursive: true, force: true });
  return mounted;
})();

/**
 * Small file systems in memory, unmounted when the file's tests are done. If none can be mounted, the group's tests are
 * skipped.
 */
export function smallDisks(): { mount(options: string): string; remount(path: string, options: string): void } {
  const mounted: string[] = [];
  beforeEach(({ skip }) => skip(!canMount, 'only root on Linux may mount a disk'));
  afterAll(() => {
    for (const folder of mounted) {
      run('umount', '-l', folder);
      rmSync(folder, { recursive: true, force: true });
    }
  });
  const must = (...args: string[]) => {
    const { status, stderr } = run('mount', ...args);
    if (status !== 0) throw new Error(stderr);
  };
  return {
    mount: (options) => {
      const folder = mkdtempSync(join(tmpdir(), 'pixtape-disk-'));
      mkdirSync(folder, { recursive: true });
      must('-t', 'tmpfs', '-o', options, 'tmpfs', folder);
      mounted.push(folder);
      return folder;
    },
    remount: (path, options) => must('-o', `remount,${options}`, path),
  };
}
