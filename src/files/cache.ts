import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder for what can be made again: unpacked drivers, compiled shaders, rendered pictures. It follows each
 * system's custom: $XDG_CACHE_HOME or ~/.cache, ~/Library/Caches, %LOCALAPPDATA%. Not created here.
 */
export function cacheDirectory(platform: string = process.platform, env: NodeJS.ProcessEnv = process.env): string {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'pixtape');
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'pixtape');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'pixtape');
  return join(homedir(), '.cache', 'pixtape');
}
