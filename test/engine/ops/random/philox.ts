/**
 * Philox4x32-10 with 64-bit integers, by the paper's definition (Salmon et al. 2011): the reference for the random
 * numbers of `shaders/random/dropout.wgsl`.
 */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  const word = 0xffffffffn;
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const a = c0 * 0xd2511f53n;
    const b = c2 * 0xcd9e8d57n;
    [c0, c1, c2, c3] = [(b >> 32n) ^ c1 ^ k0, b & word, (a >> 32n) ^ c3 ^ k1, a & word];
    k0 = (k0 + 0x9e3779b9n) & word;
    k1 = (k1 + 0xbb67ae85n) & word;
  }
  return [c0, c1, c2, c3].map(Number);
}

/** 1 where dropout keeps element i of n, 0 where it drops it. */
export function dropoutMask(n: number, rate: number, seed: number, step: number, layer: number): number[] {
  const quarter = Math.ceil(n / 4);
  const words = (v: number) => [v % 2 ** 32, Math.floor(v / 2 ** 32)];
  const blocks = Array.from({ length: quarter }, (_, i) => philox([i, layer, ...words(step)], words(seed)));
  return Array.from({ length: n }, (_, i) => {
    return ((blocks[i % quarter] as number[])[Math.floor(i / quarter)] as number) < rate * 2 ** 32 ? 0 : 1;
  });
}
