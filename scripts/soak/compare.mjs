import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../setup.mjs';

/** A checkpoint's step, and its tensors as text. Reads the whole file, so a torn one fails. */
export async function tensorsOf(path) {
  // Imported here and not at the top: the set-up has to build it first.
  const { readSafetensors } = await import(pathToFileURL(join(root, 'dist', 'lib', 'node.js')).href);
  const file = await readSafetensors(path);
  try {
    const tensors = new Map();
    for (const name of file.entries.keys()) {
      const { dtype, shape, data } = await file.read(name);
      tensors.set(
        name,
        `${dtype} ${shape} ${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')}`,
      );
    }
    return Object.assign(tensors, { step: Number(file.metadata.step) });
  } finally {
    await file.close();
  }
}

/** The losses and measures of each step, without fields that depend on the clock. */
export function logOf(folder) {
  const lines = readFileSync(join(folder, 'log.jsonl'), 'utf8').trimEnd().split('\n');
  return new Map(
    lines.map((line, i) => {
      const { seconds, imagesPerSecond, ...losses } = JSON.parse(line);
      return [`line ${i + 1}`, JSON.stringify(losses)];
    }),
  );
}

/** The first entry that differs between two maps; undefined if they are equal. */
export function difference(a, b) {
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    if (a.get(key) === b.get(key)) continue;
    return `${key} is ${a.get(key)?.slice(0, 100)} and ${b.get(key)?.slice(0, 100)}`;
  }
  return undefined;
}
