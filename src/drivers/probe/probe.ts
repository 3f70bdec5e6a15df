import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { MATRIX_FEATURE } from '../../engine/gpu/shader/matrix_unit.ts';
import type { AdapterReport, FoundMatrices, Recipe } from '../types.ts';
import childSource from './probe-child.mjs?raw';
import { EXPERIMENTAL } from './recipe.ts';

/** A driver on a cold disk takes a second. After this long it counts as hung. */
const TIME_LIMIT_MS = 20_000;
/** How long an ended process may take to close its pipes. */
const PIPES_MS = 500;

export interface ProbeAnswer {
  /** The first loader of the recipe's list that could be loaded. */
  loader?: string;
  /** Dawn's options that led to the adapter. */
  flags: string[];
  /** The full names of all adapters, if they had to be listed. */
  names: string[];
  /** The full name of the adapter, if it was chosen by name. */
  name?: string;
  description?: string;
  /** Whether the adapter computes on the CPU. */
  fallback?: boolean;
  adapter?: AdapterReport;
  /** Why the adapter is used without halves; see `halves.ts`. */
  withoutHalves?: string;
  /** What the adapter has of matrices, if Dawn is asked for what it holds back; looked for on GPUs. */
  matrices?: FoundMatrices;
  /** Why the adapter is taken without them; see `matrices.ts`. */
  withoutMatrices?: string;
  failure?: 'no-loader' | 'no-adapter' | 'error' | 'crash' | 'timeout';
  /** What the driver or Dawn said about the failure. */
  message?: string;
}

/** The `webgpu` package as a URL that `import()` takes in any process. */
export function webgpuUrl(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('webgpu')).href;
}

/**
 * Tries a recipe in a process of its own, since a loaded driver affects the next one. Never throws: a crash, a hang and
 * a refusal are all answers.
 *
 * @param baseEnv the environment before any driver was chosen
 * @param wantedName part of the wanted adapter's name, or ''
 * @param timeLimit milliseconds until the answer
 */
export function probe(
  recipe: Recipe,
  hardwareOnly: boolean,
  baseEnv: NodeJS.ProcessEnv,
  wantedName: string,
  timeLimit = TIME_LIMIT_MS,
): Promise<ProbeAnswer> {
  const argument = JSON.stringify({
    ...recipe,
    hardwareOnly,
    matrices: { feature: MATRIX_FEATURE, flag: EXPERIMENTAL },
  });
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', childSource, webgpuUrl(), argument, ...(wantedName ? [wantedName] : [])],
    // NODE_OPTIONS may ask for a debugger or a test runner's hooks.
    { env: { ...baseEnv, NODE_OPTIONS: '', ...recipe.env }, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true },
  );
  let out = '';
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  return new Promise((resolve) => {
    const finish = (found: ProbeAnswer) => {
      clearTimeout(timer);
      // Do not wait for a child of the driver that holds the pipes, or for a driver that hangs in the kernel, where no
      // signal reaches it.
      for (const pipe of [child.stdout, child.stderr]) pipe.destroy();
      child.unref();
      resolve(found);
    };
    const failed = (failure: ProbeAnswer['failure'], message: string) =>
      finish({ flags: recipe.flags, names: [], failure, message });
    const answered = (): boolean => {
      const answer = lastJson(out);
      if (answer) finish({ ...answer, message: answer.message ?? complaint(log) });
      return answer !== undefined;
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      if (!answered()) failed('timeout', `no answer within ${timeLimit / 1000} s`);
    }, timeLimit);
    child.on('error', (error) => failed('error', `could not start ${process.execPath}: ${error.message}`));
    // Output may still be in the pipes. Do not wait for it if a pipe stays open.
    child.on('exit', (code, signal) => {
      const conclude = () => {
        if (answered()) return;
        const end = signal ? `signal ${signal}` : `exit code ${code}`;
        failed('crash', [`the driver ended the process (${end})`, complaint(log)].filter(Boolean).join(': '));
      };
      child.on('close', conclude);
      setTimeout(conclude, PIPES_MS).unref();
    });
  });
}

function lastJson(text: string): ProbeAnswer | undefined {
  // Drivers may print to stdout too; the answer is a line of its own.
  const line = text.split('\n').findLast((each) => each.startsWith('{'));
  try {
    return line ? (JSON.parse(line) as ProbeAnswer) : undefined;
  } catch {
    // Cut short by a crash.
    return undefined;
  }
}

/** The last complaint of the driver or Dawn, without stack traces and Dawn's routine notices. */
function complaint(log: string): string | undefined {
  const lines = log
    .split('\n')
    .filter((line) => /^(warning|error|\w*error:)/i.test(line) && !/artificially reduced/.test(line));
  return (
    lines
      .at(-1)
      ?.replace(/^(warning|error):\s*/i, '')
      .trim() || undefined
  );
}
