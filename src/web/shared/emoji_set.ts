/**
 * The safetensors file that the page's server makes of OpenMoji: this as metadata `text`, tensors `ends` and `pairs`.
 */
export interface EmojiSetText {
  /** What each pair shows. */
  names: string[];
  /** Which pairs to train with, and which are held out. */
  train: number[];
  test: number[];
  summary: string;
}

/** The address of the set at a size. */
export function emojiSetPath(width: number, height: number, groups: readonly string[]): string {
  const query = groups.length > 0 ? `?groups=${encodeURIComponent(groups.join(','))}` : '';
  return `openmoji/${width}x${height}.safetensors${query}`;
}
