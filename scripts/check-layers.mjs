/**
 * Imports point downwards only. Reads every import in src/ and fails, naming file and import, where one points up or
 * sideways, where code that browsers will run reaches for Node or for an npm package, or where another than src/files
 * writes to the disk.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const src = join(root, 'src');

/**
 * What each layer may import besides itself. `index` is src/index.ts, the library for browsers, `node` src/node.ts, the
 * same with what only Node can; `shaders` is the folder of WGSL.
 */
const compute = ['engine/util', 'shaders', 'engine/gpu', 'engine/tape', 'engine/ops', 'engine/nn'];
const below = (layer) => compute.slice(0, compute.indexOf(layer));
const models = [...compute, 'pix2pix/models'];
const pix2pix = [...models, 'files', 'pix2pix/data'];
const table = {
  'engine/util': [],
  'engine/gpu': below('engine/gpu'),
  'engine/tape': below('engine/tape'),
  'engine/ops': below('engine/ops'),
  'engine/nn': below('engine/nn'),
  files: ['engine/util'],
  drivers: ['engine/util', 'engine/gpu', 'files'],
  'pix2pix/models': compute,
  'pix2pix/data': ['engine/util', 'files'],
  'pix2pix/train': pix2pix,
  cli: [...pix2pix, 'drivers', 'pix2pix/train', 'package.json'],
  web: [...pix2pix, 'pix2pix/train', 'index'],
  index: [...models, 'pix2pix/train'],
  node: [...pix2pix, 'drivers', 'pix2pix/train', 'index'],
};
/** Layers that must also run in a browser, and so may not touch Node or npm packages, directly or through util. */
const portable = new Set([...models]);

const IMPORT =
  /^\s*(?:import|export)\s[^;'"`]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
/** What reads. Whatever else node:fs has changes the disk, and goes through src/files, which explains what goes wrong. */
const READS =
  /^(existsSync|statSync|stat|lstatSync|lstat|fstatSync|accessSync|access|constants|readFileSync|readFile|readdirSync|readdir|realpathSync|realpath|readlinkSync|readlink|createReadStream|statfs)$/;
const DISK_IMPORT = /^\s*import\s+(?!type\b)(\{[^}]*\}|[^{;'"]*?)\s*from\s*['"]node:fs(?:\/promises)?['"]/gm;

/** The same without those of types, which are gone once it runs. */
const RUN_TIME_IMPORT = new RegExp(IMPORT.source.replaceAll('export)\\s', 'export)\\s(?!type\\b)'), 'gm');

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.(ts|mts|tsx)$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}

function importsOf(file, pattern = IMPORT) {
  // Comments only when they begin a line: an import never follows one that does not.
  const text = readFileSync(file, 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
  return [...text.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3]);
}

function layerOf(path) {
  const [top, second, third] = relative(root, path).split(sep);
  if (top !== 'src') return top;
  if (second === 'engine' || second === 'pix2pix') return `${second}/${third}`;
  return second.endsWith('.ts') ? second.slice(0, -'.ts'.length) : second;
}

const isOurs = (specifier) => specifier.startsWith('.');
const target = (file, specifier) => resolve(dirname(file), specifier.replace(/\?raw$/, ''));

/** Whether a util file needs Node or a package, itself or through what it imports. */
function needsNode(file, seen = new Set()) {
  // A file that is not there is the compiler's to report.
  if (seen.has(file) || !existsSync(file) || !/\.(ts|mts|tsx)$/.test(file)) return false;
  seen.add(file);
  return importsOf(file).some((specifier) => !isOurs(specifier) || needsNode(target(file, specifier), seen));
}

/** How a file gets to Node or to a package: the files on the way and the import at its end; undefined if it does not. */
function wayToNode(file, seen = new Set()) {
  if (seen.has(file) || !existsSync(file) || !/\.(ts|mts|tsx)$/.test(file)) return undefined;
  seen.add(file);
  for (const specifier of importsOf(file, RUN_TIME_IMPORT)) {
    const way = isOurs(specifier) ? wayToNode(target(file, specifier), seen) : [specifier];
    if (way) return [relative(root, file), ...way];
  }
  return undefined;
}

const faults = [];
const files = sources(src);
for (const file of files) {
  const layer = layerOf(file);
  const fault = (specifier, why) => faults.push(`${relative(root, file)}: imports "${specifier}": ${why}`);
  if (!(layer in table)) {
    faults.push(`${relative(root, file)}: "${layer}" is not a layer; they are ${Object.keys(table).join(', ')}`);
    continue;
  }
  if (layer !== 'files') {
    for (const [, names] of readFileSync(file, 'utf8').matchAll(DISK_IMPORT)) {
      const writes = names
        .replace(/[{}]/g, '')
        .split(',')
        .map((name) => name.trim().replace(/ as .*/s, ''));
      for (const name of writes.filter((each) => each && !each.startsWith('type ') && !READS.test(each)))
        fault('node:fs', `${name} writes to the disk, which only src/files does`);
    }
  }
  for (const specifier of importsOf(file)) {
    if (!isOurs(specifier)) {
      if (portable.has(layer)) fault(specifier, `${layer} must run in a browser: no Node, no packages`);
      continue;
    }
    const path = target(file, specifier);
    const to = layerOf(path);
    if (to !== layer && !table[layer].includes(to)) {
      fault(specifier, `${layer} may import ${table[layer].join(', ') || 'nothing of ours'}`);
    } else if (portable.has(layer)) {
      if (to === 'engine/util' && needsNode(path))
        fault(specifier, `${layer} must run in a browser, and this file needs Node`);
    }
  }
}

// What browsers load may reach no file, however far down, that needs more than a browser has.
const way = wayToNode(join(src, 'index.ts'));
if (way) faults.push(`${way.slice(0, -1).join(' → ')}: imports "${way.at(-1)}": browsers load this`);

if (faults.length > 0) {
  console.error(`${faults.join('\n')}\n${faults.length} import${faults.length === 1 ? '' : 's'} out of order`);
  process.exit(1);
}
console.log(`${files.length} files, all imports point downwards`);
