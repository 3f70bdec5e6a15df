import type { LogLine } from '../loop/folder/log.ts';

/** One chart of the report, ready for uPlot: gaps and non-finite values are null. */
export interface Curve {
  id: string;
  title: string;
  /** A description of the curve for screen readers. */
  note: string;
  wide: boolean;
  steps: number[];
  values: (number | null)[];
  heldOut?: (number | null)[];
  baseline?: { label: string; value: number };
}

/** More points than a screen has columns would only enlarge the page. */
const MAX_POINTS = 1500;

export interface ChartSpec {
  field:
    | 'lossL1'
    | 'lossSsim'
    | 'lossCycle'
    | 'lossG'
    | 'lossD'
    | 'lossAdv'
    | 'imagesPerSecond'
    | 'scoreReal'
    | 'scoreFake';
  title: string;
  /** Whether it spans the whole width of the page. */
  wide: boolean;
  /** Factor for showing logged values in other units. */
  factor?: number;
}

export const PIX2PIX_CHARTS: readonly ChartSpec[] = [
  { field: 'lossL1', title: 'L1: mean |output − real|', wide: true },
  { field: 'lossG', title: 'Generator loss', wide: false },
  { field: 'lossD', title: 'PatchGAN loss', wide: false },
  { field: 'lossAdv', title: 'Adversarial part of the generator loss', wide: false },
  { field: 'lossSsim', title: 'Structure: 1 − SSIM', wide: false },
  { field: 'imagesPerSecond', title: 'Images per second', wide: false },
];

/** The report's charts; none for an empty log. Long logs are averaged over equal numbers of lines. */
export function curves(
  log: readonly LogLine[],
  baseline?: { label: string; value: number },
  charts: readonly ChartSpec[] = PIX2PIX_CHARTS,
): Curve[] {
  const end = log.at(-1);
  if (!end) return [];
  const bins = bin(log);
  const measured = log.findLast((line) => line.testL1 !== undefined);
  return charts.map(({ field, title, wide, factor = 1 }) => {
    const value = (line: LogLine) => (line[field] ?? Number.NaN) * factor;
    const all = log.map(value);
    const curve: Curve = {
      id: `plot-${field}`,
      title,
      note: inWords(all, end.step),
      wide,
      steps: bins.map((lines) => (lines.at(-1) ?? end).step),
      values: bins.map((lines) => mean(lines.map(value))),
    };
    if (field === 'lossL1' && measured) {
      curve.heldOut = bins.map((lines) => finite(lines.findLast((line) => line.testL1 !== undefined)?.testL1));
      curve.note += `; held-out ${formatNumber(measured.testL1 ?? Number.NaN)} at step ${formatNumber(measured.step)}`;
    }
    if (field === 'lossL1' && baseline) {
      curve.baseline = baseline;
      curve.note += `; ${baseline.label} ${formatNumber(baseline.value)}`;
    }
    return curve;
  });
}

/** Up to four significant digits, with thousands separators. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return value.toLocaleString('en', { maximumSignificantDigits: 4 });
}

function bin(log: readonly LogLine[]): LogLine[][] {
  const count = Math.min(log.length, MAX_POINTS);
  const edge = (i: number): number => Math.floor((i * log.length) / count);
  return Array.from({ length: count }, (_, i) => log.slice(edge(i), edge(i + 1)));
}

const finite = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;

/** A non-finite value makes the point a gap: an average must not hide it. */
function mean(values: number[]): number | null {
  return finite(values.reduce((sum, value) => sum + value, 0) / values.length);
}

/** Means over the first and last tenth, since single steps say little. */
function inWords(values: number[], lastStep: number): string {
  const tenth = Math.max(1, Math.floor(values.length / 10));
  const [from, to] = [mean(values.slice(0, tenth)), mean(values.slice(-tenth))];
  if (from === null || to === null) return 'not finite in places';
  const until = `step ${formatNumber(lastStep)}`;
  return values.length === 1
    ? `${formatNumber(to)} at ${until}`
    : `from ${formatNumber(from)} to ${formatNumber(to)} at ${until}`;
}
