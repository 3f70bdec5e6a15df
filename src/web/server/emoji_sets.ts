/** Runs in Node: renders OpenMoji's pairs on the page's requests, one set at a time, and keeps the last few. */

/** The page trains at 64, 128 and 256 pixels; with jitter it also asks for 286/256 of that. */
const MOST_SIDE = 320;
const LEAST_SIDE = 16;
const MOST_GROUPS = 20;
/** A set of 256 pixels takes about 200 MiB. */
const KEPT = 2;

export class EmojiSets {
  private readonly sets = new Map<string, Promise<Uint8Array[]>>();
  private queue: Promise<unknown> = Promise.resolve();
  private readonly pack: typeof import('./emoji_set.ts').packEmojiSet;

  /** @param pack renders a set; replaced in tests */
  constructor(
    pack: typeof import('./emoji_set.ts').packEmojiSet = async (...size) =>
      (await import('./emoji_set.ts')).packEmojiSet(...size),
  ) {
    this.pack = pack;
  }

  /** Why a set is refused; undefined if it is not. */
  refuses(width: number, height: number, groups: readonly string[]): string | undefined {
    const [least, most] = [Math.min(width, height), Math.max(width, height)];
    if (least < LEAST_SIDE || most > MOST_SIDE) return `Sides of ${LEAST_SIDE} to ${MOST_SIDE} pixels are rendered.`;
    return groups.length > MOST_GROUPS ? `At most ${MOST_GROUPS} groups at a time.` : undefined;
  }

  /** The pieces of a safetensors file; see `packEmojiSet`. */
  get(width: number, height: number, groups: string[]): Promise<Uint8Array[]> {
    const key = JSON.stringify([width, height, groups]);
    const known = this.sets.get(key);
    if (known) {
      // Delete and set again, so that the most recently used set is last in the map.
      this.sets.delete(key);
      this.sets.set(key, known);
      return known;
    }
    const made = this.queue.then(() => this.pack(width, height, groups));
    this.queue = made.catch(() => this.sets.delete(key));
    this.sets.set(key, made);
    for (const old of [...this.sets.keys()].slice(0, -KEPT)) this.sets.delete(old);
    return made;
  }
}
