/** A curve of bounded length: when it is full, neighbours are averaged, so that drawing stays cheap. */
export class Series {
  readonly steps: number[] = [];
  private readonly columns: number[][];
  private readonly most: number;
  /** Steps per point, and the sums for the unfinished point. */
  private width = 1;
  private open: { count: number; sums: number[] };

  constructor(columns: number, most = 800) {
    this.columns = Array.from({ length: columns }, () => []);
    this.most = most;
    this.open = { count: 0, sums: new Array<number>(columns).fill(0) };
  }

  add(step: number, values: readonly number[]): void {
    const { open } = this;
    values.forEach((value, i) => {
      open.sums[i] = (open.sums[i] ?? 0) + value;
    });
    open.count++;
    if (open.count < this.width) return;
    this.steps.push(step);
    this.columns.forEach((column, i) => void column.push((open.sums[i] as number) / open.count));
    this.open = { count: 0, sums: open.sums.map(() => 0) };
    if (this.steps.length >= this.most) this.halve();
  }

  column(i: number): readonly number[] {
    return this.columns[i] ?? [];
  }

  /** Drops the points after a step, which is about to be repeated. */
  cut(step: number): void {
    const keep = this.steps.findIndex((s) => s > step);
    if (keep < 0) return;
    for (const column of [this.steps, ...this.columns]) column.length = keep;
    this.open = { count: 0, sums: this.open.sums.map(() => 0) };
  }

  private halve(): void {
    const half = Math.floor(this.steps.length / 2);
    for (const column of this.columns) {
      for (let i = 0; i < half; i++) column[i] = ((column[2 * i] as number) + (column[2 * i + 1] as number)) / 2;
    }
    for (let i = 0; i < half; i++) this.steps[i] = this.steps[2 * i + 1] as number;
    for (const column of [this.steps, ...this.columns]) column.length = half;
    this.width *= 2;
  }
}

/** A centred moving average, since losses jump from batch to batch. */
export function smooth(values: readonly number[]): number[] {
  const reach = Math.floor(values.length / 50);
  return values.map((_, i) => {
    const side = Math.min(reach, i, values.length - 1 - i);
    let sum = 0;
    for (let j = i - side; j <= i + side; j++) sum += values[j] as number;
    return sum / (2 * side + 1);
  });
}
