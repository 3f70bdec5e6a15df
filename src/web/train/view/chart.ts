import uPlot from 'uplot';

export interface Line {
  label: string;
  /** A CSS variable's name without its dashes. */
  colour: string;
  /** Faint: the raw values behind a smoothed line. */
  faint?: boolean;
  points?: boolean;
}

/** Tick spacings: whole steps only. */
const WHOLE = [1, 10, 1e2, 1e3, 1e4, 1e5, 1e6].flatMap((power) => [power, 2 * power, 5 * power]);

type Values = (number | null)[];

/** A growing line chart with the colours of the page's theme and the width of its box. */
export class LineChart {
  private readonly box: HTMLElement;
  private readonly lines: readonly Line[];
  private plot: uPlot | undefined;
  private data: uPlot.AlignedData;

  constructor(box: HTMLElement, lines: readonly Line[]) {
    this.box = box;
    this.lines = lines;
    this.data = [[], ...lines.map(() => [])];
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.make());
    new ResizeObserver(() => this.resize()).observe(box);
  }

  set(steps: readonly number[], columns: readonly Values[]): void {
    this.data = [[...steps], ...columns];
    if (this.plot) this.plot.setData(this.data);
    else this.make();
  }

  private make(): void {
    this.plot?.destroy();
    this.plot = undefined;
    if (this.box.clientWidth === 0 || this.data[0].length === 0) return;
    const theme = getComputedStyle(document.documentElement);
    const colour = (name: string) => theme.getPropertyValue(`--${name}`).trim();
    const axis = {
      stroke: colour('quiet'),
      grid: { stroke: colour('line'), width: 1 },
      ticks: { stroke: colour('line'), width: 1 },
      font: '12px system-ui, sans-serif',
    };
    this.plot = new uPlot(
      {
        width: this.box.clientWidth,
        height: this.box.clientHeight,
        scales: { x: { time: false } },
        legend: { show: false },
        cursor: { show: false },
        axes: [
          { ...axis, incrs: WHOLE, values: (_, ticks) => ticks.map((tick) => tick.toLocaleString('en')) },
          { ...axis, size: 48 },
        ],
        series: [
          {},
          ...this.lines.map(({ label, colour: name, faint, points }) => ({
            label,
            stroke: colour(name) + (faint ? '55' : ''),
            width: faint ? 1 : 2,
            spanGaps: true,
            points: { show: points ?? false, size: 7, fill: colour(name) },
          })),
        ],
      },
      this.data,
      this.box,
    );
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!this.plot) this.make();
    else if (width > 0 && (width !== this.plot.width || height !== this.plot.height)) {
      this.plot.setSize({ width, height });
    }
  }
}
