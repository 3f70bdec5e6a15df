/**
 * Used by the clone's set-up only, bundled as dist/set_up_driver.js: fetches lavapipe without root if neither a GPU nor
 * a lavapipe is found.
 */
import { formatBytes, formatDuration } from '../../engine/util/format.ts';
import { cacheDirectory } from '../../files/cache.ts';
import { isTerminal } from '../../files/lock/process.ts';
import { lavapipeCommand, type System, thisSystem } from '../advice.ts';
import { fetchLavapipe } from './fetch.ts';
import { findFetched, sizeOf } from './fetched.ts';
import { systemIsServed } from './verdicts.ts';

export interface DriverSetUp {
  /** Arguments of the command that will run; may hold --adapter. */
  args: readonly string[];
  /** Fetch it even if it is there, or another driver works. */
  again?: boolean;
  /** Called with each step, one line. */
  say: (line: string) => void;
}

/** Fetches lavapipe if it is wanted here. Reports a failure as one line through `say`: a slower driver will do. */
export async function setUpDriver({ args, again = false, say }: DriverSetUp): Promise<boolean> {
  const system = thisSystem();
  const { env } = process;
  const reason = again ? undefined : whyNot({ env, system, adapter: adapterIn(args) });
  if (reason === '') return true;
  const cache = cacheDirectory(env);
  if (!again && (findFetched(cache) || (await systemIsServed(env, cache)))) return true;
  const command = lavapipeCommand(system);
  const failed = (why: string): false => {
    const install = command ? `; to have it: ${command}` : '';
    say(
      `SwiftShader will do the computing, since lavapipe, two to three times faster, was not fetched: ${why}${install}`,
    );
    return false;
  };
  if (reason !== undefined) return failed(reason);
  try {
    const began = performance.now();
    const why = again ? '' : 'no GPU was found (PIXTAPE_NO_DOWNLOAD=1 declines what comes now): ';
    say(`${why}looking for lavapipe, Mesa's CPU driver, in apt's lists …`);
    const fetched = await fetchLavapipe(cache, { say, onBytes: showBytes, replace: again });
    const seconds = formatDuration((performance.now() - began) / 1000);
    say(
      `Mesa ${fetched.version} lies in ${fetched.folder} (${formatBytes(sizeOf(fetched.folder))}), ready after ${seconds}`,
    );
    return true;
  } catch (error) {
    return failed((error as Error).message.replace(/\s*\n\s*/g, ' '));
  }
}

/** Shows the progress of the download on a terminal. */
function showBytes(done: number, total: number): void {
  if (!isTerminal(process.stderr)) return;
  process.stderr.write(done < total ? `\r\x1b[K${formatBytes(done)} of ${formatBytes(total)}` : '\r\x1b[K');
}

function adapterIn(args: readonly string[]): string | undefined {
  const at = args.findIndex((arg) => /^--adapter(=|$)/.test(arg));
  if (at < 0) return undefined;
  return args[at]?.split('=')[1] ?? args[at + 1];
}

/** What decides whether the clone's set-up fetches a driver. */
export interface Situation {
  env: NodeJS.ProcessEnv;
  system: System;
  /** The value of --adapter, if given. */
  adapter: string | undefined;
}

/**
 * Why lavapipe is not to be fetched, as far as that is known without trying drivers: it could not run here, or the user
 * declined or chose another driver. '' is a reason that need not be shown.
 */
export function whyNot({ env, system, adapter }: Situation): string | undefined {
  if (system.platform !== 'linux' || system.musl) return '';
  if (!/^(|0|false|no)$/i.test(env.PIXTAPE_NO_DOWNLOAD ?? '')) return '';
  const choice = adapter?.trim() || env.PIXTAPE_ADAPTER?.trim() || 'auto';
  if (choice !== 'auto' && choice !== 'lavapipe') return '';
  // The user has chosen a driver by setting the variable.
  if (env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES) return '';
  if (!['x64', 'arm64'].includes(process.arch)) return `Dawn has no build for ${process.arch}`;
  for (const command of ['apt-get', 'apt-cache', 'dpkg-deb']) {
    if (!system.has(command)) return `this system has no ${command} to fetch it with`;
  }
  return undefined;
}
