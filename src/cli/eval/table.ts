import type { LabOverlap } from '../../pix2pix/train/evaluate/colour.ts';
import type { Contender, Evaluation } from '../../pix2pix/train/evaluate/evaluate.ts';
import type { Scores } from '../../pix2pix/train/evaluate/metrics.ts';
import type { SegmentationScores } from '../../pix2pix/train/evaluate/segmentation.ts';

export const COLUMNS: readonly [title: string, key: keyof Scores, digits: number][] = [
  ['L1', 'l1', 4],
  ['PSNR', 'psnr', 2],
  ['SSIM', 'ssim', 4],
  ['saturation', 'saturation', 3],
  ['colourfulness', 'colourfulness', 1],
];
const CONTENDERS: readonly [Contender, string][] = [
  ['copy', 'copying the condition'],
  ['mean', 'mean training picture'],
  ['l1', 'L1 alone'],
  ['ours', 'this checkpoint'],
  ['real', 'real pictures'],
];
/** Real pictures are scored for colour only: their distance from themselves is zero. */
const OF_REAL: ReadonlySet<keyof Scores> = new Set(['saturation', 'colourfulness']);

const OVERLAPS: readonly (keyof LabOverlap)[] = ['L', 'a', 'b'];

/**
 * Formats the scores as text, one line per contender.
 * @param alone whether the measured checkpoint was itself trained with L1 alone
 */
export function scoreTable({ means, colours }: Pick<Evaluation, 'means' | 'colours'>, alone: boolean): string {
  const lines = CONTENDERS.flatMap(([contender, name]) => {
    const scores = means[contender];
    if (!scores) return [];
    const overlap = contender === 'real' ? undefined : colours[contender];
    const shares = OVERLAPS.map((axis) => overlap?.[axis].toFixed(3) ?? '–');
    return [[labelOf(contender, name, alone), ...COLUMNS.map((column) => cell(contender, scores, column)), ...shares]];
  });
  return aligned([['', ...COLUMNS.map(([title]) => title), ...OVERLAPS], ...lines]);
}

/** Formats the FCN scores of each contender's pictures. */
export function fcnTable(scores: Partial<Record<Contender, SegmentationScores>>, alone: boolean): string {
  const lines = CONTENDERS.flatMap(([contender, name]) => {
    const found = scores[contender];
    if (!found) return [];
    const figures = [found.pixel, found.perClass, found.iou].map((value) => value.toFixed(3));
    return [[labelOf(contender, name, alone), ...figures]];
  });
  return aligned([['FCN', 'per pixel', 'per class', 'class IoU'], ...lines]);
}

function labelOf(contender: Contender, name: string, alone: boolean): string {
  return contender === 'ours' && alone ? `${name} (L1 alone)` : name;
}

function aligned(table: readonly string[][]): string {
  const widths = (table[0] as string[]).map((_, i) => Math.max(...table.map((line) => (line[i] as string).length)));
  const pad = (text: string, i: number) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0));
  return table.map((line) => line.map(pad).join('   ')).join('\n');
}

/** Explains how to read the means. */
export function scoreNotes({ perfect, pictures }: Evaluation): string {
  const lines = [
    'PSNR and SSIM are means over the pictures, data range 1; L, a, b: overlap of all colours with the real ones. pixtape eval --help says how each is measured.',
  ];
  for (const [contender, name] of CONTENDERS) {
    const count = contender === 'real' ? undefined : perfect[contender];
    if (count !== undefined)
      lines.push(`PSNR: ${name} meets ${count} of ${pictures.length} pictures exactly; its mean is over the others.`);
  }
  return lines.join('\n');
}

function cell(contender: Contender, scores: Scores, [, key, digits]: (typeof COLUMNS)[number]): string {
  if (contender === 'real' && !OF_REAL.has(key)) return '–';
  return scores[key] === Number.POSITIVE_INFINITY ? '∞' : scores[key].toFixed(digits);
}
