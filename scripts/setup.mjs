/**
 * Prepares a clone for its commands: checks Node, installs the packages of the lock file, builds dist/, and links
 * `npx pixtape` to it. Uses Node's own modules only, because it runs before anything else is installed.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { alone } from './build/alone.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const say = (line) => process.stderr.write(`pixtape: ${line}\n`);
const LOCK = join(root, '.setup-lock');

/**
 * Prepares the clone. Returns within milliseconds if everything is ready.
 *
 * @param {{ quiet?: boolean, computes?: readonly string[], node?: string }} options computes: the arguments of a command that needs a
 *   GPU or a CPU driver; fetches lavapipe if only the slowest driver is available. node: the oldest Node that the command
 *   runs on, if it is newer than what package.json asks for
 */
export async function setup({ quiet = false, computes, node } = {}) {
  // Measure on the process's own timeline, from which a training command sums up its phases:
  // src/pix2pix/train/loop/phases.ts.
  const timed = async (phase, work) => {
    const start = performance.now();
    await work();
    performance.measure(`pixtape:${phase}`, { start });
  };
  const old = tooOld(process.versions.node, node);
  if (old) fail(old, 'Get it from https://nodejs.org or with nvm, fnm or volta.');
  await timed('packages', async () => {
    if (!packagesMatchLock() || distIsStale()) await alone(LOCK, waiting, () => bringUpToDate(quiet)).catch(explain);
    linkCommand();
  });
  if (computes) await timed('driver', () => setUpDriver({ args: computes, say: quiet ? () => {} : say }));
}

function explain(error) {
  if (!error.syscall) throw error;
  fail(
    `${error.path ?? root} could not be written (${error.code})`,
    'The clone has to be built. Run the command as its owner, or in a clone on a writable disk.',
  );
}

/** Checks again under the lock: another process may have done it meanwhile. */
async function bringUpToDate(quiet) {
  if (!packagesMatchLock()) installPackages(quiet);
  if (distIsStale()) await (await import('./build.mjs')).build();
}

const waiting = () => say('another command is installing packages or building here: waiting for it …');

/** See src/drivers/lavapipe/set_up.ts. */
export async function setUpDriver(options) {
  const built = pathToFileURL(join(root, 'dist', 'set_up_driver.js')).href;
  return (await import(built)).setUpDriver(options);
}

/**
 * What is wrong with a version of Node such as 20.9.0, if anything.
 *
 * @param {string} version
 * @param {string} [oldest] such as 20.19; without it, what package.json asks for
 * @returns {string | undefined}
 */
export function tooOld(version, oldest) {
  const asked = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '');
  const needed = oldest ?? asked;
  const [major, minor] = version.split('.').map(Number);
  const [neededMajor, neededMinor] = needed.split('.').map(Number);
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return undefined;
  const what = needed === asked ? 'pixtape needs' : `pixtape itself runs on Node ${asked}, but this command needs`;
  return `${what} Node ${needed} or newer, this is ${version}`;
}

/**
 * Compares what npm says it installed with what the lock file asks for. Compares content, not dates, because a checkout
 * gives every file a new date. Ignores packages that npm may leave out, such as other platforms' binaries.
 */
function packagesMatchLock() {
  const installedList = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedList)) return false;
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const installed = JSON.parse(readFileSync(installedList, 'utf8')).packages;
    return Object.entries(wanted).every(([path, entry]) => {
      if (path === '') return true;
      const found = installed[path];
      return found ? found.version === entry.version && existsSync(join(root, path)) : entry.optional === true;
    });
  } catch {
    return false;
  }
}

/** Installs the packages of a folder's lock file. */
export function installPackages(quiet, folder = root) {
  if (!quiet) process.stderr.write('pixtape: installing packages with npm ci (once, about a minute) …\n');
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // Under `npm start` npm names its own script, which needs no shell. Otherwise Windows' npm.cmd needs one.
  const npmScript = process.env.npm_execpath;
  const viaNode = npmScript && /npm-cli\.c?js$/.test(npmScript);
  const result = viaNode
    ? spawnSync(process.execPath, [npmScript, ...args], { cwd: folder, encoding: 'utf8' })
    : spawnSync('npm', args, { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' });
  if (result.error)
    fail(`could not start npm: ${result.error.message}`, 'Is npm installed beside Node, and on the PATH?');
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout}${result.stderr}`);
  fail(
    'npm ci failed (its output is above)',
    'Check the network and the registry that `npm config get registry` names, then run the command again.',
  );
}

/** Whether something that dist/ is built from is newer than it. */
export function distIsStale() {
  if (!existsSync(join(root, 'src', 'cli', 'main.ts'))) return false;
  const built = join(root, 'dist', 'pixtape.js');
  if (!existsSync(built)) return true;
  const date = statSync(built).mtimeMs;
  const scripts = [join('scripts', 'build.mjs'), join('scripts', 'build')];
  const sources = ['src', 'tools', 'shaders', 'package.json', 'package-lock.json', ...scripts];
  return sources.some((source) => newest(join(root, source)) > date);
}

/** The newest date under a path; folders count, so that a deleted file is noticed too. */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((date, name) => Math.max(date, newest(join(path, name))), stat.mtimeMs);
}

/**
 * Links `npx pixtape` to this clone's dist/. npm links the commands of a package's dependencies only. Without the link npx
 * would first install the clone into its cache, which needs a network.
 */
function linkCommand() {
  const target = join(root, 'dist', 'pixtape.js');
  if (!existsSync(target)) return;
  const folder = join(root, 'node_modules', '.bin');
  mkdirSync(folder, { recursive: true });
  if (process.platform === 'win32') {
    const script = join(folder, 'pixtape.cmd');
    if (!existsSync(script)) writeFileSync(script, '@node "%~dp0\\..\\..\\dist\\pixtape.js" %*\r\n');
    return;
  }
  const link = join(folder, 'pixtape');
  chmodSync(target, 0o755);
  if (existsSync(link)) return;
  try {
    // Remove a dangling link, which existsSync does not see.
    rmSync(link, { force: true });
    symlinkSync(join('..', '..', 'dist', 'pixtape.js'), link);
  } catch (error) {
    // Another command in this clone may have just made it.
    if (!existsSync(link)) throw error;
  }
}

export function fail(message, hint) {
  process.stderr.write(`pixtape: ${message}\n  → ${hint}\n`);
  process.exit(1);
}

/** Runs a program of dist/ in this process, with these arguments. */
export async function runBuilt(name, args) {
  const file = join(root, 'dist', name);
  if (!existsSync(file)) fail(`dist/${name} was not built`, 'Run `npm run build` and read its messages.');
  process.argv = [process.execPath, file, ...args];
  await import(pathToFileURL(file).href);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await setup();
