import { describe, expect, test } from 'vitest';
import { gather, gatherBytes, mean, type Peers } from '../../src/distributed/mpi/collectives.ts';
import { meanInHalves, Residual } from '../../src/distributed/mpi/halves.ts';
import { RandomStream } from '../../src/engine/util/random.ts';
import { amount } from '../sets.ts';

/**
 * Ranks whose messages go through this process's memory. Each takes a delay of its own, but those of one tag stay in
 * order, as in MPI.
 */
function peers(count: number, seed: number): Peers[] {
  const random = new RandomStream(seed);
  const boxes = new Map<string, { sent: Uint8Array[]; waiting: ((bytes: Uint8Array) => void)[] }>();
  const box = (...key: number[]) => {
    const name = key.join();
    const found = boxes.get(name) ?? { sent: [], waiting: [] };
    boxes.set(name, found);
    return found;
  };
  const later = () => new Promise((go) => setTimeout(go, random.below(4)));
  return Array.from({ length: count }, (_, rank) => ({
    rank,
    count,
    others: Array.from({ length: count }, (_, i) => i).filter((i) => i !== rank),
    async send(bytes, to, tag) {
      const { sent, waiting } = box(rank, to, tag);
      const message = bytes.slice();
      const next = waiting.shift();
      if (next) next(message);
      else sent.push(message);
      await later();
    },
    async receive(into, from, tag) {
      const { sent, waiting } = box(from, rank, tag);
      const message = sent.shift() ?? (await new Promise<Uint8Array>((come) => waiting.push(come)));
      await later();
      if (message.length !== into.length) throw new Error(`${message.length} bytes came, ${into.length} are wanted`);
      into.set(message);
    },
    add(sum, more) {
      for (const [i, v] of more.entries()) sum[i] = (sum[i] as number) + v;
    },
  }));
}

const values = (length: number, rank: number) => {
  const random = new RandomStream(5, rank);
  return Float32Array.from({ length }, () => random.normal());
};

/** Added up in the order of the ranks, rounded to float32 each time. */
function wanted(length: number, count: number): Float32Array {
  const all = Array.from({ length: count }, (_, rank) => values(length, rank));
  return Float32Array.from(
    { length },
    (_, i) => all.reduce((sum, of) => Math.fround(sum + (of[i] as number)), 0) / count,
  );
}

describe.each([2, 3, 7].slice(0, amount(2, 3)))('%d ranks', (count) => {
  test.each([0, 1, 5, 20_000, 100_003])(
    'the mean of %d values: the same bits on every rank and every time',
    async (n) => {
      const expected = Buffer.from(wanted(n, count).buffer);
      for (const seed of [1, 2]) {
        const means = await Promise.all(peers(count, seed).map((peer) => mean(peer, values(n, peer.rank), 16)));
        for (const found of means) expect(Buffer.from(found.buffer).equals(expected)).toBe(true);
      }
    },
  );

  test('gathered values are in the order of the ranks, also texts of any length', async () => {
    const all = await Promise.all(peers(count, 3).map((peer) => gather(peer, Float32Array.of(peer.rank, 0.5), 4)));
    for (const found of all) expect([...found]).toEqual(Array.from({ length: count }, (_, i) => [i, 0.5]).flat());
    const texts = await Promise.all(
      peers(count, 4).map((peer) => gatherBytes(peer, new Uint8Array(3 * peer.rank).fill(peer.rank), 2)),
    );
    for (const found of texts)
      expect(found.map(({ length }) => length)).toEqual(Array.from({ length: count }, (_, i) => 3 * i));
  });

  test('in halves: the same bits on every rank; the rounding error of one step is added in the next', async () => {
    const [n, steps] = [1001, 40];
    const all = peers(count, 9);
    const residuals = all.map((peer) => new Residual(peer, n));
    // Of very different sizes, some too small for a half.
    const gradients = (rank: number) => values(n, rank).map((v, i) => v * 10 ** -(i % 9));
    const bytes = (of: Float32Array | undefined) => Buffer.from(of?.buffer ?? new ArrayBuffer(0));
    const sum = new Float64Array(n);
    for (let step = 0; step < steps; step++) {
      const means = await Promise.all(
        all.map((peer, i) => meanInHalves(peer, gradients(i), 16, residuals[i] as Residual)),
      );
      for (const found of means) expect(bytes(found).equals(bytes(means[0]))).toBe(true);
      means[0]?.forEach((v, i) => {
        sum[i] = (sum[i] as number) + v;
      });
    }
    const exact = Array.from({ length: n }, (_, i) => {
      return all.reduce((total, _, rank) => total + (gradients(rank)[i] as number), 0) / count;
    });
    // One step is off by up to 2^-11 of a value or 2^-24 of any rank's largest; 40 steps together by only a few times
    // that.
    const largest = Math.max(...all.flatMap((_, rank) => [...gradients(rank)].map(Math.abs)));
    const size = (i: number) => Math.max(...all.map((_, rank) => Math.abs(gradients(rank)[i] as number)));
    for (const [i, want] of exact.entries()) {
      const off = Math.abs((sum[i] as number) - steps * want);
      expect(off).toBeLessThan(4 * (size(i) * 2 ** -11 + largest * 2 ** -24));
    }
  });

  test('in halves: an infinite value arrives, and is gone with the next step', async () => {
    const all = peers(count, 9);
    const residuals = all.map((peer) => new Residual(peer, 30));
    const step = (value: number) =>
      Promise.all(
        all.map((peer, i) => {
          const given = new Float32Array(30).fill(i === 0 ? value : 1);
          return meanInHalves(peer, given, 16, residuals[i] as Residual);
        }),
      );
    for (const found of await step(Number.POSITIVE_INFINITY)) expect([...found]).toEqual(new Array(30).fill(Infinity));
    for (const found of await step(1)) expect([...found]).toEqual(new Array(30).fill(1));
  });

  test('several simultaneous meetings keep their values separate', async () => {
    const results = await Promise.all(
      peers(count, 6).flatMap((peer) =>
        [16, 18, 20].map((tag) => mean(peer, values(40_000, peer.rank).fill(tag), tag)),
      ),
    );
    for (const [i, found] of results.entries()) expect(found[39_999]).toBe(16 + 2 * (i % 3));
  });
});
