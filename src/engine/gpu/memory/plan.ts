/**
 * Memory plan of a recorded program. Every virtual tensor lives from the first dispatch that touches it to the last;
 * tensors that are never alive together may share one buffer. Whole buffers are shared, not ranges of an arena,
 * because WebGPU tracks usage per buffer: one buffer bound both `read` and `read_write` in a dispatch is refused.
 *
 * Greedy by size (Pisarchyk & Lee 2020, "Efficient Memory Management for Deep Neural Net Inference", shared objects):
 * the largest tensors choose first, each takes the smallest buffer that is free for the whole of its life.
 */
export interface Lifetime {
  bytes: number;
  first: number;
  last: number;
}

export interface MemoryPlan {
  /** Index of the shared buffer of each tensor, in the order given. */
  slot: number[];
  /** Size of each shared buffer. */
  slotBytes: number[];
  /** Bytes of all shared buffers. */
  total: number;
  /** The most bytes alive at any one dispatch: no plan can need less. */
  lowerBound: number;
}

export function planMemory(lives: readonly Lifetime[]): MemoryPlan {
  const order = lives.map((_, i) => i).sort((a, b) => bytesOf(b) - bytesOf(a) || firstOf(a) - firstOf(b));
  const slot = new Array<number>(lives.length).fill(-1);
  const slotBytes: number[] = [];
  const tenants: Lifetime[][] = [];
  for (const i of order) {
    const life = lives[i] as Lifetime;
    let best = -1;
    for (let s = slotBytes.length - 1; s >= 0 && best < 0; s--) {
      // Buffers were opened from large to small, so the last that is free is the tightest fit.
      if ((tenants[s] as Lifetime[]).every((t) => t.last < life.first || life.last < t.first)) best = s;
    }
    if (best < 0) {
      best = slotBytes.push(life.bytes) - 1;
      tenants.push([]);
    }
    (tenants[best] as Lifetime[]).push(life);
    slot[i] = best;
  }
  return { slot, slotBytes, total: slotBytes.reduce((a, b) => a + b, 0), lowerBound: mostAlive(lives) };

  function bytesOf(i: number): number {
    return (lives[i] as Lifetime).bytes;
  }
  function firstOf(i: number): number {
    return (lives[i] as Lifetime).first;
  }
}

function mostAlive(lives: readonly Lifetime[]): number {
  const change = new Map<number, number>();
  for (const { bytes, first, last } of lives) {
    change.set(first, (change.get(first) ?? 0) + bytes);
    change.set(last + 1, (change.get(last + 1) ?? 0) - bytes);
  }
  let alive = 0;
  let most = 0;
  for (const at of [...change.keys()].sort((a, b) => a - b)) {
    alive += change.get(at) as number;
    most = Math.max(most, alive);
  }
  return most;
}
