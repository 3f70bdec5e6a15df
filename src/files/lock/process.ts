import { closeSync, fstatSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';

/** A process, told from every other one, also from a later one that was given the same number. */
export interface ProcessIdentity {
  pid: number;
  host: string;
  /** Where process numbers mean the same: one boot of one machine, and within it one container. */
  place: string;
  /** When it started, in the kernel's own count; absent where the system does not tell cheaply. */
  started?: string;
}

/** Outside Linux a boot has no cheap name: the machine stands for it, and heartbeats decide what it leaves open. */
function placeHere(): string {
  if (process.platform === 'linux') {
    try {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
    } catch {
      // A sandbox without /proc.
    }
  }
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all?.filter((one) => !one.internal) ?? []);
  const [lowest = ''] = addresses.map(({ mac }) => mac).sort();
  return `${process.platform} ${hostname()} ${lowest}`;
}

/** Field 22 of /proc/PID/stat, clock ticks since the boot. The name in field 2 may hold spaces and brackets itself. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

const place = placeHere();

export function thisProcess(): ProcessIdentity {
  const started = startOf(process.pid);
  return { pid: process.pid, host: hostname(), place, ...(started === undefined ? {} : { started }) };
}

/** Whether there is a process of this number here, whoever it is. */
export function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the process still runs; undefined where that cannot be told from here. */
export function isRunning(other: ProcessIdentity): boolean | undefined {
  if (other.place !== place) return undefined;
  if (!pidExists(other.pid)) return false;
  const started = startOf(other.pid);
  return started === undefined || other.started === undefined ? undefined : started === other.started;
}

/** Whether a stream leads to a device, a terminal for one, and to no file or pipe. */
export function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false; // closed
  }
}

/** Whether lines can be drawn anew on a stream: on a terminal that knows how, and that no build server keeps as a log. */
export function isTerminal(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && env.TERM !== 'dumb' && /^(|0|false)$/i.test(env.CI ?? '');
}

/** Puts /dev/null in the place of a stream that has gone. Opening takes the lowest number that is free. */
export function replaceByNull(fd: number): void {
  try {
    closeSync(fd);
    openSync('/dev/null', 'r+');
  } catch {
    // Closed already.
  }
}

/** Writes to standard error without waiting for anything: for a process that is about to end, from any thread. */
export function writeAtOnce(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody reads it any more.
  }
}
