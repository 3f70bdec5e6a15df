/**
 * A WGSL file with short names for what only one of its functions knows: variables and constants. The new name
 * stands nowhere else in the file, so nothing can come to mean something else. Names at the level of the file stay, since
 * some files are joined to one text (Winograd's), and so does each that is also a field's, since both look alike, or a
 * parameter's, by which element-wise operations say what they need.
 *
 * @param {string} source without comments
 */
export function shortNames(source) {
  const functions = functionsOf(source);
  const outside = functions.reduceRight((text, [from, to]) => text.slice(0, from) + text.slice(to), source);
  const bodies = functions.map(([from, to]) => source.slice(from, to));
  const parameters = bodies.flatMap((text) => names(text.slice(0, text.indexOf('{')), /(\w+)\s*:/g));
  const locals = bodies.flatMap((text) => names(text, /\b(?:let|var|const)\s+(\w+)/g));
  const fields = names(source, /\.\s*([A-Za-z_]\w*)/g);
  const kept = new Set([...names(outside, /\b([A-Za-z_]\w*)/g), ...fields, ...parameters]);
  const renamed = [...new Set(locals)].filter((name) => !kept.has(name));
  const weight = (name) => names(source, new RegExp(`\\b(${name})\\b`, 'g')).length * name.length;
  renamed.sort((a, b) => weight(b) - weight(a));
  const free = shortest(new Set(names(source, /\b([A-Za-z_]\w*)/g)));
  const short = new Map();
  for (const name of renamed) {
    if (name.length === 1) continue;
    const next = free.next().value;
    if (next.length < name.length) short.set(name, next);
  }
  return source.replace(/\b[A-Za-z_]\w*/g, (name) => short.get(name) ?? name);
}

/** What the pattern's group matches, everywhere. */
const names = (text, pattern) => [...text.matchAll(pattern)].map(([, name]) => name);

/** From the bracket that opens each function's parameters to one past the brace that closes its body. */
function functionsOf(source) {
  return [...source.matchAll(/\bfn\s+\w+\s*(?=\()/g)].map((match) => {
    const from = match.index + match[0].length;
    let at = source.indexOf('{', from) + 1;
    for (let depth = 1; depth > 0 && at < source.length; at++) {
      if (source[at] === '{') depth++;
      else if (source[at] === '}') depth--;
    }
    return [from, at];
  });
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** Words of two letters that WGSL keeps for itself. */
const RESERVED = new Set(['as', 'do', 'fn', 'if', 'of', 'or']);

/** @param {Set<string>} taken */
function* shortest(taken) {
  const all = [...LETTERS, ...[...LETTERS].flatMap((a) => [...LETTERS].map((b) => a + b))];
  for (const name of all) if (!taken.has(name) && !RESERVED.has(name)) yield name;
}
