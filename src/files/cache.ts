import { constants, lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join, posix, win32 } from 'node:path';
import { codeOf } from './disk_error.ts';
import { temporaryName } from './files.ts';
import { makeFolderSync } from './folder.ts';

/**
 * The folder for files that can be made again: drivers, compiled shaders, rendered pictures. If the usual one (see
 * `usualCacheDirectory`) cannot be written to, as in many containers, returns one in the temporary folder and calls
 * `warn` once. Creates the folder, unless nothing at all can be written.
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

/** Follows each system's convention: $XDG_CACHE_HOME or ~/.cache, ~/Library/Caches, %LOCALAPPDATA%. Touches no file. */
export function usualCacheDirectory(
  platform: string = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home: string = homeOf(env),
): string {
  const { join } = platform === 'win32' ? win32 : posix;
  // The XDG specification says to ignore a relative path.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, 'pixtape');
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'pixtape');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'pixtape');
  return join(home, '.cache', 'pixtape');
}

function homeOf(env: NodeJS.ProcessEnv): string {
  try {
    return homedir();
  } catch {
    // A container's user may have no entry in /etc/passwd.
    return env.HOME ?? '/';
  }
}

/** Only writing is a sure test: access(2) allows root what /proc then refuses, and does not see a full disk. */
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
 * One folder per user, so that the next process finds what this one made. Drivers are loaded from it. It must belong to
 * this user and be closed to others, since anybody can make a folder in /tmp.
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
    // Nothing can be written anywhere. Code that needs the folder will say so; other code goes on.
    return folder;
  }
}
