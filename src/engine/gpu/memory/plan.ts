/**
 * Memory plan of a recorded program. Every virtual tensor lives from the first dispatch that touches it to the last.
 * Tensors that are never alive together may share bytes. Any two may share a buffer, unless a dispatch reads one and
 * writes the other: WebGPU tracks usage per buffer, and refuses a buffer that is bound both `read` and `read_write`.
 *
 * Greedy: places one tensor after the other into the tightest free range of any buffer. If there is none, it extends
 * the buffer that has to grow least, or makes a new one. No order is best for every program, so the plan is the
 * smallest of three: by size, by lifetime, and by the product of the two, largest first.
 * Source: Pisarchyk & Lee 2020, "Efficient Memory Management for Deep Neural Net Inference", offset calculation.
 */
export interface Lifetime {
  bytes: number;
  first: number;
  last: number;
}

export interface PlanOptions {
  /** Pairs of tensors, by their indices, that may not share a buffer. */
  apart?: Iterable<readonly [number, number]>;
  /** Alignment of ranges in bytes; default 4. */
  unit?: number;
  /** The largest buffer, in bytes. */
  largest?: number;
}

export interface MemoryPlan {
  /** For each tensor, in the order given, the index of its buffer and its offset there. */
  slot: number[];
  offset: number[];
  /** Size of each buffer. */
  slotBytes: number[];
  /** Bytes of all buffers. */
  total: number;
  /** The most bytes alive at any one dispatch: a lower bound of any plan. */
  lowerBound: number;
}

export function planMemory(lives: readonly Lifetime[], options: PlanOptions = {}): MemoryPlan {
  const { unit = 4, largest = Number.POSITIVE_INFINITY } = options;
  const apart = lives.map(() => new Set<number>());
  for (const [a, b] of options.apart ?? []) {
    apart[a]?.add(b);
    apart[b]?.add(a);
  }
  const length = ({ first, last }: Lifetime) => last - first + 1;
  const costs: ((life: Lifetime) => number)[] = [({ bytes }) => bytes, length, (life) => length(life) * life.bytes];
  const plans = costs.map((cost) => {
    const tenants = lives.map((life, index): Tenant => ({ ...life, index, offset: 0 }));
    tenants.sort((a, b) => cost(b) - cost(a) || b.bytes - a.bytes || a.first - b.first);
    return placeInOrder(tenants, apart, unit, largest);
  });
  const total = ({ slotBytes }: Placement) => slotBytes.reduce((a, b) => a + b, 0);
  const best = plans.reduce((a, b) => (total(b) < total(a) ? b : a));
  return { ...best, total: total(best), lowerBound: mostAlive(lives) };
}

interface Tenant extends Lifetime {
  index: number;
  offset: number;
}

interface Buffer {
  bytes: number;
  /** Ordered by offset. */
  tenants: Tenant[];
}

type Placement = Pick<MemoryPlan, 'slot' | 'offset' | 'slotBytes'>;

function placeInOrder(
  tenants: readonly Tenant[],
  apart: readonly ReadonlySet<number>[],
  unit: number,
  largest: number,
): Placement {
  const buffers: Buffer[] = [];
  const slot: number[] = [];
  const offset: number[] = [];
  for (const tenant of tenants) {
    const excluded = apart[tenant.index] as ReadonlySet<number>;
    let at = -1;
    // In a new buffer it takes all of its bytes.
    let best: Room = { offset: 0, growth: tenant.bytes, waste: 0 };
    buffers.forEach((buffer, i) => {
      if (buffer.tenants.some(({ index }) => excluded.has(index))) return;
      const room = roomIn(buffer, tenant, unit);
      if (room.offset + tenant.bytes > largest) return;
      if (room.growth < best.growth || (room.growth === best.growth && at >= 0 && room.waste < best.waste)) {
        best = room;
        at = i;
      }
    });
    if (at < 0) at = buffers.push({ bytes: 0, tenants: [] }) - 1;
    const { bytes, tenants: there } = buffers[at] as Buffer;
    buffers[at] = { bytes: Math.max(bytes, best.offset + tenant.bytes), tenants: there };
    const next = there.findIndex((t) => t.offset > best.offset);
    there.splice(next < 0 ? there.length : next, 0, { ...tenant, offset: best.offset });
    slot[tenant.index] = at;
    offset[tenant.index] = best.offset;
  }
  return { slot, offset, slotBytes: buffers.map(({ bytes }) => bytes) };
}

/** A possible place in a buffer. */
interface Room {
  offset: number;
  /** Bytes by which the buffer has to grow. */
  growth: number;
  /** Bytes left free between the tensor and the next one. */
  waste: number;
}

/** The tightest range that is free during a tensor's whole life, or else the end of the buffer. */
function roomIn({ bytes, tenants }: Buffer, tenant: Tenant, unit: number): Room {
  let at = 0;
  let tightest: Room | undefined;
  for (const t of tenants) {
    if (t.last < tenant.first || tenant.last < t.first) continue;
    const waste = t.offset - at - tenant.bytes;
    if (waste >= 0 && !(tightest && tightest.waste <= waste)) tightest = { offset: at, growth: 0, waste };
    at = Math.max(at, Math.ceil((t.offset + t.bytes) / unit) * unit);
  }
  const end = at + tenant.bytes;
  return tightest ?? { offset: at, growth: Math.max(0, end - bytes), waste: Math.max(0, bytes - end) };
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
