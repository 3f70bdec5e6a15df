import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../../../files/cache.ts';
import { writeFileAtomic } from '../../../files/files.ts';

let configured: Promise<void> | undefined;

/**
 * Gives fontconfig a configuration where the system has none, as on slim Linux images: it prints an error on standard error
 * otherwise. Call before the first text is drawn. Without a folder to write to, the error stays.
 * @param system where fontconfig looks by itself
 */
export function configureFonts(system = '/etc/fonts/fonts.conf'): Promise<void> {
  configured ??= configure(system);
  return configured;
}

async function configure(system: string): Promise<void> {
  const { FONTCONFIG_FILE, FONTCONFIG_PATH } = process.env;
  if (process.platform !== 'linux' || FONTCONFIG_FILE || FONTCONFIG_PATH || existsSync(system)) return;
  try {
    const folder = join(cacheDirectory(), 'fontconfig');
    const file = join(folder, 'fonts.conf');
    const content = fontConfiguration(folder);
    // Another process may use the file.
    if (!existsSync(file) || readFileSync(file, 'utf8') !== content) await writeFileAtomic(file, content);
    process.env.FONTCONFIG_FILE = file;
  } catch {
    // The font of the labels is loaded from its own file: only the complaint stays.
  }
}

/**
 * Names the usual folders of fonts, for the characters that DejaVu lacks. Rescan 0: fontconfig would read a changed file
 * or folder again, half a minute later, and forget the font that sharp has loaded from its own file.
 */
function fontConfiguration(cache: string): string {
  const folders = ['<dir>/usr/share/fonts</dir>', '<dir>/usr/local/share/fonts</dir>', '<dir prefix="xdg">fonts</dir>'];
  const rest = `<cachedir>${escapeXml(cache)}</cachedir><config><rescan><int>0</int></rescan></config>`;
  return `<?xml version="1.0"?>\n<fontconfig>${folders.join('')}${rest}</fontconfig>\n`;
}

/** Escapes a text for XML, and removes the characters that XML cannot contain. */
export function escapeXml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
  const legal = [...text].filter((letter) => letter >= ' ' && letter !== '\ufffe' && letter !== '\uffff').join('');
  return legal.replace(/[&<>]/g, (sign) => entities[sign] ?? '');
}
