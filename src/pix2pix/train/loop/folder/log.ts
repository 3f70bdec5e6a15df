import { readFile } from 'node:fs/promises';
import { PixtapeError } from '../../../../engine/util/errors.ts';
import { AppendedFile } from '../../../../files/append.ts';
import { codeOf, explainDiskError } from '../../../../files/disk_error.ts';
import { writeFileAtomic } from '../../../../files/files.ts';

/** One line of log.jsonl: the state of a run after `step` steps. Losses are means over the batch of that step. */
export interface LogLine {
  step: number;
  epoch: number;
  lossD: number;
  /** Generator loss; of Pix2Pix lossAdv + λ · lossL1 + λ_SSIM · lossSsim. */
  lossG: number;
  /** Pix2Pix: parts of the generator loss. lossL1 is in the generator's range of values; lossSsim is 1 − SSIM. */
  lossAdv?: number;
  lossL1?: number;
  lossSsim?: number;
  /** CycleGAN: the cycle-consistency loss times its weight. */
  lossCycle?: number;
  /** GAN: the discriminator's mean scores of real pictures and of fakes, from 0 to 1. */
  scoreReal?: number;
  scoreFake?: number;
  imagesPerSecond: number;
  /** Seconds of training so far, without pauses between sessions. */
  seconds: number;
  /** Mean |error| on held-out pictures, in steps that measured it. */
  testL1?: number;
}

const FIELDS = ['step', 'epoch', 'lossD', 'lossG', 'imagesPerSecond', 'seconds'] as const;
const OPTIONAL = ['lossAdv', 'lossL1', 'lossSsim', 'lossCycle', 'scoreReal', 'scoreFake', 'testL1'] as const;

/** Appends lines to log.jsonl. A killed run truncates at most its last line. */
export class LogWriter {
  readonly path: string;
  readonly #file: AppendedFile;

  private constructor(file: AppendedFile) {
    this.path = file.path;
    this.#file = file;
  }

  /**
   * Opens the log of a run. Without `resumeStep` it starts empty. With it, lines after that step, from a run that got
   * further than its last checkpoint, are removed, so that the log reads as if the run had never stopped.
   * @throws PixtapeError if the log is damaged or cannot be written
   */
  static async open(path: string, resumeStep?: number): Promise<LogWriter> {
    const kept = resumeStep === undefined ? [] : (await readLog(path)).filter((line) => line.step <= resumeStep);
    await writeFileAtomic(path, kept.map(formatLine).join(''));
    return new LogWriter(await AppendedFile.open(path));
  }

  /** NaN and infinities, which JSON lacks, are written as null and read back as NaN. */
  append(line: LogLine): Promise<void> {
    return this.#file.append(formatLine(line));
  }

  close(): void {
    this.#file.close();
  }
}

const formatLine = (line: LogLine): string => `${JSON.stringify(line)}\n`;

/**
 * Reads log.jsonl. A missing file is an empty log, and a truncated last line of a killed run is ignored.
 * @throws PixtapeError naming the line, if another one is damaged
 */
export async function readLog(path: string): Promise<LogLine[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw await explainDiskError(error, path, { doing: 'read' });
  }
  const rows = text.split('\n');
  const lines: LogLine[] = [];
  rows.forEach((row, index) => {
    if (row.trim() === '') return;
    const line = parseLine(row);
    if (line) lines.push(line);
    else if (index !== rows.length - 1) {
      throw new PixtapeError(
        `${path}, line ${index + 1}, is not a log line: ${row.slice(0, 60)}`,
        'Remove that line, or move the file away; the checkpoint does not depend on it.',
      );
    }
  });
  return lines;
}

function parseLine(row: string): LogLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(row);
  } catch {
    return undefined; // the caller knows whether this is a torn end or damage
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const record = { ...value } as Record<string, unknown>;
  for (const field of FIELDS) {
    if (record[field] === null) record[field] = Number.NaN;
    if (typeof record[field] !== 'number') return undefined;
  }
  for (const field of OPTIONAL) {
    if (record[field] === null) record[field] = Number.NaN;
    if (record[field] !== undefined && typeof record[field] !== 'number') return undefined;
  }
  return Number.isSafeInteger(record.step) ? (record as unknown as LogLine) : undefined;
}
