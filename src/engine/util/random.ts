/**
 * Random numbers for the host: one stream per purpose, the same on every machine. sfc32 (Doty-Humphrey 2010,
 * PractRand), seeded by a hash of the key, so that neighbouring keys give unrelated streams.
 */
export class RandomStream {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;
  private spare: number | undefined;

  /** @param key whole numbers from 0 to 2^53 − 1, e.g. (seed, purpose, epoch) */
  constructor(...key: readonly number[]) {
    const words = key.flatMap((n) => {
      if (!Number.isSafeInteger(n) || n < 0) throw new Error(`RandomStream: ${n} is not a whole number of at least 0`);
      return [n % 2 ** 32, Math.floor(n / 2 ** 32)];
    });
    this.a = mix(0x243f6a88, words);
    this.b = mix(0x85a308d3, words);
    this.c = mix(0x13198a2e, words);
    for (let i = 0; i < 12; i++) this.word();
  }

  /** 32 random bits. */
  word(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1), with 53 random bits. */
  uniform(): number {
    return ((this.word() >>> 5) * 2 ** 26 + (this.word() >>> 6)) / 2 ** 53;
  }

  /** A whole number in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal (Box & Muller 1958). */
  normal(): number {
    if (this.spare !== undefined) {
      const value = this.spare;
      this.spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** 0 … n − 1 in random order (Fisher & Yates). */
  permutation(n: number): number[] {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    return order;
  }
}

/** A hash of the words (the finaliser of MurmurHash3, Appleby 2011, after each). */
function mix(start: number, words: readonly number[]): number {
  let h = start;
  for (const word of words) {
    h = Math.imul(h ^ word, 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h ^= h >>> 16;
  }
  return h | 0;
}
