/** What the page's server sends of OpenMoji, in a safetensors file: this text under `text`, `ends` and `pairs`. */
export interface EmojiSetText {
  /** What each pair shows. */
  names: string[];
  /** Which pairs to train with, and which are held out. */
  train: number[];
  test: number[];
  summary: string;
}

/** Where the set of a size is. */
export function emojiSetPath(width: number, height: number, groups: readonly string[]): string {
  const query = groups.length > 0 ? `?groups=${encodeURIComponent(groups.join(','))}` : '';
  return `openmoji/${width}x${height}.safetensors${query}`;
}
