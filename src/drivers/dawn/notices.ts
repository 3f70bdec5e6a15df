import { fstatSync, readSync } from 'node:fs';

/** Dawn's notice about each Vulkan driver whose limits exceed Dawn's own arrays. Users can do nothing about it. */
const NOTICE =
  /^Warning: maxDynamic\w+ artificially reduced from \d+ to \d+ to fit dynamic offset allocation limit\.\n/gm;

const STDERR = 2;
/**
 * Linux's constants: the duplicate gets a descriptor from 3 on, and child processes inherit neither it nor the file.
 */
const F_DUPFD_CLOEXEC = 1030;
const MFD_CLOEXEC = 1;

/** Calls a function, and keeps Dawn's notices off standard error. */
export type WithoutNotices = <T>(work: () => T) => T;

/**
 * Dawn writes to standard error from native code, and cannot be told not to. On Linux this redirects the stream into a
 * memory file while `work` runs, then writes out everything but Dawn's notices. `work` must be synchronous. Needs the
 * package koffi, since Node has no dup2. Without koffi, and on other systems, which have no such notices, `work` is
 * just called.
 */
export async function withoutNotices(): Promise<WithoutNotices> {
  const libc = process.platform === 'linux' ? await openLibc() : undefined;
  if (!libc) return (work) => work();
  return (work) => {
    const file = libc.memfdCreate('pixtape-stderr', MFD_CLOEXEC);
    const original = file < 0 ? -1 : libc.fcntl(STDERR, F_DUPFD_CLOEXEC, 3);
    // Standard error is closed, or there are no more descriptors.
    if (original < 0 || libc.dup2(file, STDERR) < 0) {
      for (const fd of [file, original]) if (fd >= 0) libc.close(fd);
      return work();
    }
    try {
      return work();
    } finally {
      libc.dup2(original, STDERR);
      libc.close(original);
      const said = textIn(file);
      libc.close(file);
      const rest = said.replace(NOTICE, '');
      if (rest) process.stderr.write(rest);
    }
  };
}

function textIn(fd: number): string {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  readSync(fd, bytes, 0, bytes.length, 0);
  return bytes.toString();
}

async function openLibc() {
  try {
    const { default: koffi } = await import('koffi');
    const libc = koffi.load(null);
    return {
      memfdCreate: libc.func('int memfd_create(const char *name, unsigned int flags)') as (
        name: string,
        flags: number,
      ) => number,
      fcntl: libc.func('int fcntl(int fd, int command, int argument)') as (
        fd: number,
        command: number,
        argument: number,
      ) => number,
      dup2: libc.func('int dup2(int from, int to)') as (from: number, to: number) => number,
      close: libc.func('int close(int fd)') as (fd: number) => number,
    };
  } catch {
    return undefined;
  }
}
