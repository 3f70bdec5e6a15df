/** A table, for the terminal and for Markdown. */
export interface Table {
  title: string;
  columns: string[];
  /** The first cell of each row is its name; the others are figures. */
  rows: string[][];
  /** Explanations and failures, a line each. */
  notes: string[];
}

/** Aligned columns: names to the left, figures to the right. */
export function asText({ title, columns, rows, notes }: Table): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join('  ')}`;
  const rule = `  ${widths.map((width) => '─'.repeat(width)).join('  ')}`;
  const grid = columns.length > 0 ? [line(columns).trimEnd(), rule, ...rows.map(line)] : [];
  return [title, ...grid, ...notes.map((note) => `  ${note}`), ''].join('\n');
}

export function asMarkdown({ title, columns, rows, notes }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = `|${columns.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`;
  const table = columns.length > 0 ? [line(columns), rule, ...rows.map(line)].join('\n') : '';
  return [`### ${title}`, table, notes.map((note) => `- ${note}`).join('\n')].filter(Boolean).join('\n\n');
}

/** Three significant digits: 0.0123, 1.23, 12.3, 123. */
export function figure(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(4, digits));
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** "1.2–3.4", the fastest and the slowest round. */
export const spread = ({ min, max }: { min: number; max: number }): string => `${figure(min)}–${figure(max)}`;
