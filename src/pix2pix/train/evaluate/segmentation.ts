/** Scores of a segmentation. Both means leave out classes that the true labels lack. */
export interface SegmentationScores {
  /** Fraction of pixels classified correctly. */
  pixel: number;
  /** Mean over the classes of the fraction of a class's pixels classified correctly. */
  perClass: number;
  /** Mean over the classes of intersection over union. */
  iou: number;
  /** The same per class; NaN for a class that the true labels lack. */
  classes: { share: number; accuracy: number; iou: number }[];
}

/**
 * Counts predicted classes per true class.
 * Source: Long, Shelhamer & Darrell 2015, section 5, whose metrics Isola et al. 2017 report as FCN-scores.
 */
export class Confusion {
  private readonly classes: number;
  /** Row: true class; column: predicted class. */
  private readonly counts: Float64Array;

  constructor(classes: number) {
    this.classes = classes;
    this.counts = new Float64Array(classes * classes);
  }

  add(truth: ArrayLike<number>, named: ArrayLike<number>): void {
    if (truth.length !== named.length) throw new Error(`${named.length} names for ${truth.length} pixels`);
    for (let i = 0; i < truth.length; i++) {
      const at = (truth[i] as number) * this.classes + (named[i] as number);
      this.counts[at] = (this.counts[at] as number) + 1;
    }
  }

  scores(): SegmentationScores {
    const all = Array.from({ length: this.classes }, (_, i) => i);
    const at = (row: number, column: number) => this.counts[row * this.classes + column] as number;
    const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
    const total = sum([...this.counts]);
    const classes = all.map((k) => {
      const truth = sum(all.map((other) => at(k, other)));
      const named = sum(all.map((other) => at(other, k)));
      const right = at(k, k);
      return { share: truth / total, accuracy: right / truth, iou: truth > 0 ? right / (truth + named - right) : NaN };
    });
    const held = classes.filter(({ share }) => share > 0);
    const mean = (key: 'accuracy' | 'iou') => sum(held.map((scores) => scores[key])) / held.length;
    return { pixel: sum(all.map((k) => at(k, k))) / total, perClass: mean('accuracy'), iou: mean('iou'), classes };
  }
}
