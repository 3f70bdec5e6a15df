/**
 * A WGSL file with short names for what only it knows: its functions, constants, variables and parameters. All places at
 * which a name stands get the new one, which stands nowhere else in the file, so nothing can come to mean something else.
 * Names that TypeScript knows stay (bindings, `struct Params`, entry points, constants that the loader gives), and so does
 * each that is also a field's, since both look alike.
 *
 * @param {string} source without comments
 */
export function shortNames(source) {
  const found = (pattern) => [...source.matchAll(pattern)].flatMap((match) => match.slice(1));
  const parameters = found(/\bfn\s+\w+\s*\(([^()@]*)\)/g).flatMap((list) => list.match(/\w+(?=\s*:)/g) ?? []);
  const declared = [...found(/\b(?:fn|let|const|alias|struct|var(?:<workgroup>)?)\s+(\w+)/g), ...parameters];
  const fields = found(/\bstruct\s+\w+\s*\{([^}]*)\}/g).flatMap((body) => body.match(/\w+(?=\s*:)/g) ?? []);
  const entries = found(/@compute[^{]*?\bfn\s+(\w+)/g);
  const kept = new Set([...fields, ...entries, ...found(/\.\s*([A-Za-z_]\w*)/g), 'Params']);
  const uses = (name) => found(new RegExp(`\\b(${name})\\b`, 'g')).length;
  const renamed = [...new Set(declared)].filter((name) => !kept.has(name) && name.length > 1);
  renamed.sort((a, b) => uses(b) * b.length - uses(a) * a.length);
  const taken = new Set([...source.matchAll(/\b[A-Za-z_]\w*/g)].map(([name]) => name));
  const free = shortest(taken);
  const short = new Map();
  for (const name of renamed) {
    const next = free.next().value;
    // A name of two letters gains nothing once the single ones are used up.
    if (next.length < name.length) short.set(name, next);
  }
  return source.replace(/\b[A-Za-z_]\w*/g, (name) => short.get(name) ?? name);
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** Words of two letters that WGSL keeps for itself. */
const RESERVED = new Set(['as', 'do', 'fn', 'if', 'of', 'or']);

/** @param {Set<string>} taken */
function* shortest(taken) {
  const all = [...LETTERS, ...[...LETTERS].flatMap((a) => [...LETTERS].map((b) => a + b))];
  for (const name of all) if (!taken.has(name) && !RESERVED.has(name)) yield name;
}
