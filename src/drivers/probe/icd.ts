import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * Folders where driver packages install ICD files (JSON that names a Vulkan driver's library), in the Vulkan loader's
 * order: see "Linux Driver Discovery" in the Khronos loader's LoaderDriverInterface.md.
 */
function icdFolders(env: NodeJS.ProcessEnv): string[] {
  const split = (value: string | undefined, otherwise: string) => (value || otherwise).split(delimiter).filter(Boolean);
  const roots = [
    env.XDG_CONFIG_HOME || join(homedir(), '.config'),
    ...split(env.XDG_CONFIG_DIRS, '/etc/xdg'),
    '/etc',
    '/usr/local/etc',
    env.XDG_DATA_HOME || join(homedir(), '.local', 'share'),
    ...split(env.XDG_DATA_DIRS, '/usr/local/share:/usr/share'),
    // Distributions with another XDG_DATA_DIRS still install here.
    '/usr/share',
    '/usr/local/share',
    // NixOS.
    '/run/opengl-driver/share',
  ];
  return [...new Set(roots.map((folder) => join(folder, 'vulkan', 'icd.d')))];
}

/** Folders where container runtimes mount a driver, but which no Vulkan loader searches. */
const containerFolders = ['/usr/local/nvidia/share/vulkan/icd.d'];

function jsonFiles(path: string): string[] {
  try {
    if (statSync(path).isFile()) return [path];
    return (
      readdirSync(path)
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => join(path, name))
        // Reading a named pipe would block for ever.
        .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile())
    );
  } catch {
    // On most machines most of these folders do not exist.
    return [];
  }
}

/** The ICD files that the loader would consider: those in VK_DRIVER_FILES if it is set, else all that are installed. */
export function findIcds(env: NodeJS.ProcessEnv): string[] {
  const forced = env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES;
  const places = forced
    ? forced.split(delimiter)
    : [...(env.VK_ADD_DRIVER_FILES ?? '').split(delimiter), ...icdFolders(env)];
  return [...new Set(places.filter(Boolean).flatMap(jsonFiles))];
}

/** ICD files that the loader does not find by itself. */
export function findContainerIcds(env: NodeJS.ProcessEnv): string[] {
  if (env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES) return [];
  return containerFolders.flatMap(jsonFiles);
}

/** Whether an ICD file leads to lavapipe, Mesa's CPU driver. Looks at the library, since the file's own name varies. */
export function isLavapipe(icd: string): boolean {
  try {
    const library: unknown = JSON.parse(readFileSync(icd, 'utf8'))?.ICD?.library_path;
    return typeof library === 'string' && /libvulkan_lvp/.test(library);
  } catch {
    // Unreadable or not JSON: the loader skips it too.
    return false;
  }
}
