import { closeSync, fstatSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';

/** Identifies a process uniquely, even among later ones with the same number. */
export interface ProcessIdentity {
  pid: number;
  host: string;
  /** The scope of process numbers: one boot of one machine, and one container within it. */
  place: string;
  /** When it started, in the kernel's clock ticks; absent if the system does not tell cheaply. */
  started?: string;
}

/** Outside Linux a boot has no cheap id: use the machine's, and let heartbeats decide. */
function placeHere(): string {
  if (process.platform === 'linux') {
    try {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
    } catch {
      // The sandbox has no /proc.
    }
  }
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all?.filter((one) => !one.internal) ?? []);
  const [lowest = ''] = addresses.map(({ mac }) => mac).sort();
  return `${process.platform} ${hostname()} ${lowest}`;
}

/** Reads field 22 of /proc/PID/stat, clock ticks since the boot. The name in field 2 may hold spaces and brackets. */
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

/** Whether any process has this number here. */
export function pidExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the process still runs; undefined if that cannot be told from here. */
export function isRunning(other: ProcessIdentity): boolean | undefined {
  if (other.place !== place) return undefined;
  if (!pidExists(other.pid)) return false;
  const started = startOf(other.pid);
  return started === undefined || other.started === undefined ? undefined : started === other.started;
}

/** Whether a stream is a device, such as a terminal, and not a file or a pipe. */
export function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false; // closed
  }
}

/** Whether lines can be redrawn on a stream: it is a capable terminal, and not a build server's log. */
export function isTerminal(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && env.TERM !== 'dumb' && /^(|0|false)$/i.test(env.CI ?? '');
}

/** Replaces a closed stream by /dev/null. Opening a file takes the lowest free descriptor. */
export function replaceByNull(fd: number): void {
  try {
    closeSync(fd);
    openSync('/dev/null', 'r+');
  } catch {
    // Already closed.
  }
}

/** Writes to standard error synchronously, from any thread, for a process that is about to end. */
export function writeAtOnce(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody reads it.
  }
}
