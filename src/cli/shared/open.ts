import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Opens a file or an address in the user's browser if there is a desktop. It is printed in any case, so a machine
 * without a browser loses nothing.
 * @param target a path, or an http address
 */
export function openInBrowser(target: string): void {
  const url = /^https?:\/\//.test(target) ? target : pathToFileURL(resolve(target)).href;
  if (process.env.CI || (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY)) return;
  const [command, ...args] = browserCommand(process.platform, url);
  const child = spawn(command, args, { detached: true, stdio: 'ignore' });
  child.on('error', () => {});
  child.unref();
}

/** The command that opens an address. Not `start` on Windows, whose shell interprets & and %. */
export function browserCommand(platform: NodeJS.Platform, url: string): [command: string, ...args: string[]] {
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler', url];
  return [platform === 'darwin' ? 'open' : 'xdg-open', url];
}
