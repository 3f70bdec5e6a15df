import { PixtapeError } from '../../../engine/util/errors.ts';
import { GENERATORS } from '../../models/registry/generators.ts';
import type { Weights } from '../../models/registry/kind.ts';

const KINDS = Object.values(GENERATORS);
/** Parts of names that the wrappers DataParallel and torch.compile add, anywhere. */
const WRAPPERS = new Set(['module', '_orig_mod']);
/** Adam's averages in our checkpoints contain the generator's names, too. */
const AVERAGES = /^adam\./;

/**
 * Finds a generator's tensors in a file, and maps its own names to the file's. Removes a common prefix (`netG.`,
 * `model.state_dict.`, `gen.`), and wrappers (`module.`, `_orig_mod.`) anywhere.
 * @param network the prefix of the generator, if the file holds several
 * @throws PixtapeError if there is none, saying what the file looks like instead, or if the choice is ambiguous
 */
export function findGenerator(entries: Weights, source: string, network?: string): Map<string, string> {
  const plain = new Map<string, string>();
  for (const name of entries.keys()) {
    const own = unwrapped(name);
    const before = plain.get(own);
    if (before !== undefined) throw new PixtapeError(`${source} holds two tensors for ${own}: ${before} and ${name}`);
    plain.set(own, name);
  }
  const prefix = choose(prefixesOf([...plain.keys()]), source, network) ?? refuse(entries, plain, source);
  const own = [...plain].filter(([name]) => name.startsWith(prefix));
  return new Map(own.map(([name, inFile]) => [name.slice(prefix.length), inFile]));
}

function unwrapped(name: string): string {
  const parts = name.split('.');
  return parts.filter((part) => !WRAPPERS.has(part)).join('.');
}

/** The prefix of each generator's names. */
function prefixesOf(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    const mark = KINDS.map(({ mark }) => mark).find((end) => name === end || name.endsWith(`.${end}`));
    if (mark === undefined || AVERAGES.test(name)) return [];
    return [name.slice(0, -mark.length)];
  });
}

function choose(prefixes: readonly string[], source: string, network: string | undefined): string | undefined {
  const shown = prefixes.map((prefix) => prefix.slice(0, -1) || '(no name)').join(', ');
  if (network !== undefined) {
    const asked = unwrapped(network);
    const chosen = prefixes.find((prefix) => prefix === `${asked}.` || prefix.endsWith(`.${asked}.`));
    if (chosen !== undefined || prefixes.length === 0) return chosen;
    throw new PixtapeError(`${source} holds no generator named ${network}`, `It holds ${shown}.`);
  }
  if (prefixes.length <= 1) return prefixes[0];
  throw new PixtapeError(
    `${source} holds ${prefixes.length} generators: ${shown}`,
    `Say which is meant: --network ${(prefixes[0] as string).slice(0, -1)}`,
  );
}

/** Says what the file holds instead of a known generator. */
function refuse(entries: Weights, plain: ReadonlyMap<string, string>, source: string): never {
  const names = [...plain.keys()];
  const known = `Known are ${KINDS.map(({ recognised }) => recognised).join(' and ')}.`;
  const blocks = new Set(names.flatMap((name) => /model\.(\d+)\.conv_block\./.exec(name)?.[1] ?? []));
  if (blocks.size > 0) {
    throw new PixtapeError(
      `${source} holds a ResNet generator that is not CycleGAN's (${blocks.size} blocks from model.${[...blocks][0]} on)`,
      known,
    );
  }
  const shape = (name: string) => entries.get(plain.get(name) ?? '')?.shape ?? [];
  const first = names.find((name) => /(^|\.)model\.0\.weight$/.test(name));
  const judges = first !== undefined && shape(first).length === 4 && !names.some((name) => /model\.model/.test(name));
  if (judges || names.some((name) => /(^|\.)contract1\./.test(name))) {
    throw new PixtapeError(
      `${source} holds a discriminator, which judges pictures and paints none`,
      'Give the generator: latest_net_G.pth.',
    );
  }
  throw new PixtapeError(
    `${source}: these are not the weights of a generator that is known here (${names.slice(0, 3).join(', ')}, …)`,
    known,
  );
}
