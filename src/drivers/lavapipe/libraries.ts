import { lstat, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from './apt.ts';
import childSource from './load-order-child.mjs?raw';

/** Every shared library below `folder`, keyed by the names under which the dynamic linker may ask for it. */
export async function librariesIn(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await readdir(folder, { recursive: true })) {
    const file = name.slice(name.lastIndexOf('/') + 1);
    if (!/\.so(\.|$)/.test(file)) continue;
    // Links between versions of a library are relative, so they lead to unpacked files.
    const path = await realpath(join(folder, name)).catch(() => undefined);
    if (path?.startsWith(folder) && (await lstat(path)).isFile()) found.set(file, path);
  }
  return found;
}

/**
 * The order in which the wanted libraries and their dependencies can be loaded by path, dependencies first. A loaded
 * library satisfies later ones by its soname. So LD_LIBRARY_PATH, which the dynamic linker reads only when a process
 * starts, is not needed. Libraries of the system are left out.
 * @throws Error in the dynamic linker's own words
 */
export async function loadOrder(wanted: readonly string[], others: ReadonlyMap<string, string>): Promise<string[]> {
  const argument = JSON.stringify({ wanted, others: Object.fromEntries(others) });
  const { output } = await runTool(process.execPath, ['--input-type=module', '-e', childSource, argument], '/');
  const line = output.split('\n').find((each) => each.startsWith('{'));
  if (!line) throw new Error(`loading the libraries ended the process: ${output.trim().slice(0, 200)}`);
  const { order, failure } = JSON.parse(line) as { order: string[]; failure?: string };
  if (failure !== undefined) throw new Error(failure);
  return order;
}
