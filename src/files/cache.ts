import { constants, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join, posix, win32 } from 'node:path';
import { codeOf } from './disk_error.ts';
import { temporaryName } from './files.ts';
import { makeFolderSync } from './folder.ts';

/**
 * The folder for what can be made again: drivers, compiled shaders, rendered pictures. Where the usual one (see
 * `usualCacheDirectory`) cannot be made or written to, as in many containers, it is one in the temporary folder, and
 * `warn` is told so once. The folder is there afterwards, unless nothing at all can be written.
 */
export function cacheDirectory(
  env: NodeJS.ProcessEnv = process.env,
  warn: (line: string) => void = (line) => console.warn(`warning: ${line}`),
): string {
  const usual = usualCacheDirectory(process.platform, env);
  const known = settled.get(usual);
  if (known !== undefined) return known;
  const why = whyNotWritable(usual);
  const folder = why === undefined ? usual : temporaryCache();
  settled.set(usual, folder);
  if (why !== undefined) {
    warn(`the cache folder ${usual} cannot be written (${why}): ${folder} is used, which may not outlive a restart`);
  }
  return folder;
}

const settled = new Map<string, string>();

/** Follows each system's custom: $XDG_CACHE_HOME or ~/.cache, ~/Library/Caches, %LOCALAPPDATA%. Touches no file. */
export function usualCacheDirectory(
  platform: string = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home: string = homeOf(env),
): string {
  const { join } = platform === 'win32' ? win32 : posix;
  // The XDG specification: a relative path is no path.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, 'pixtape');
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'pixtape');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'pixtape');
  return join(home, '.cache', 'pixtape');
}

function homeOf(env: NodeJS.ProcessEnv): string {
  try {
    return homedir();
  } catch {
    // A container's user without an entry in /etc/passwd.
    return env.HOME ?? '/';
  }
}

/** Writing is the only sure test: access(2) allows root what /proc then refuses, and knows nothing of a full disk. */
function whyNotWritable(folder: string): string | undefined {
  try {
    makeFolderSync(folder);
    const file = join(folder, temporaryName('cache'));
    try {
      writeFileSync(file, 'x');
    } finally {
      rmSync(file, { force: true });
    }
    return undefined;
  } catch (error) {
    return codeOf(error) ?? String(error);
  }
}

/**
 * One folder a user, so that the next process finds what this one made. Drivers are loaded from it: it has to be this
 * user's own, and closed to others, since anybody can make a folder of any name in /tmp.
 */
function temporaryCache(): string {
  const uid = process.getuid?.();
  const folder = join(tmpdir(), `pixtape-${uid ?? 'cache'}`);
  try {
    makeFolderSync(folder, 0o700);
    const { mode, uid: owner } = lstatSync(folder);
    const isFolder = (mode & constants.S_IFMT) === constants.S_IFDIR;
    const own = uid === undefined || (owner === uid && (mode & 0o022) === 0);
    if (isFolder && own && whyNotWritable(folder) === undefined) return folder;
    return mkdtempSync(`${folder}-`);
  } catch {
    // Nothing can be written anywhere. What needs the folder says so; what can do without goes on.
    return folder;
  }
}
