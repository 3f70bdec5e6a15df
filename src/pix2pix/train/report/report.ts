import { join } from 'node:path';
import uplotJs from 'uplot/dist/uPlot.iife.min.js?raw';
import uplotCss from 'uplot/dist/uPlot.min.css?raw';
import { formatDuration } from '../../../engine/util/format.ts';
import { writeFileAtomic } from '../../../files/files.ts';
import type { LogLine } from '../loop/folder/log.ts';
import { type ChartSpec, curves, formatNumber } from './curves.ts';
import clientJs from './report.client.js?raw';
import css from './report.css?raw';

export interface ReportData {
  title: string;
  /** The run's configuration; nested objects become rows `outer.inner`. */
  config: Record<string, unknown>;
  adapter: string;
  log: readonly LogLine[];
  /** Sample grids in order of their steps. */
  samples: readonly { step: number; png: Uint8Array }[];
  /** A description of the sample grids for screen readers; by default Pix2Pix's. */
  gridNote?: string;
  /** The charts; by default Pix2Pix's. */
  charts?: readonly ChartSpec[];
  /** Key figures, such as the held-out L1. */
  summary?: readonly { label: string; value: string }[];
  /** The baseline for held-out L1, drawn as a line that a trained network must stay below. */
  baseline?: { label: string; value: number };
  /** Source and licence of the pictures. */
  credits?: string;
  finished: boolean;
}

/** uPlot uses the browser's language on loading, and fails on "en-US@posix" of the POSIX locale. */
const LANGUAGE_GUARD =
  "try{new Intl.NumberFormat(navigator.language)}catch{Object.defineProperty(navigator,'language',{value:'en'})}\n";

/** More pictures are thinned out evenly, to limit the page to a few megabytes. */
const MAX_PICTURES = 40;

/**
 * Writes `report.html` into a run's folder and returns its path. The page contains everything, including scripts and
 * pictures, and makes no network requests. It is replaced atomically, so that it can be reloaded at any time.
 * @throws PixtapeError if the disk is full or the folder cannot be written to
 */
export async function writeReport(runDir: string, data: ReportData): Promise<string> {
  const path = join(runDir, 'report.html');
  await writeFileAtomic(path, renderReport(data));
  return path;
}

/** Renders the page; see `writeReport`. */
export function renderReport(data: ReportData): string {
  const { title, log, adapter, finished, credits } = data;
  const last = log.at(-1);
  const progress = last
    ? `${formatNumber(last.step)} steps in ${formatDuration(last.seconds)} on ${adapter}`
    : `Nothing logged yet, on ${adapter}`;
  const running = finished
    ? ''
    : `<p class="running">Training goes on: this page shows the state at step ${formatNumber(last?.step ?? 0)}. Reload it to see more.</p>`;
  // The policy enforces this: even a picture's name turned into markup could load nothing.
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  const charts = curves(log, data.baseline, data.charts);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)} – pixtape</title>
<style>${uplotCss}</style>
<style>
${css}</style>
<noscript><style>.samples img[hidden] { display: block; margin-top: 12px; } .control, .plot { display: none; }</style></noscript>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="quiet">${escapeHtml(progress)}</p>
${running}
${tiles(data.summary ?? [])}
${pictures(data.samples, data.gridNote)}
<h2>Curves</h2>
${charts.length === 0 ? '<p class="quiet">No step has been logged yet.</p>' : ''}
<div class="charts">
${charts.map(({ id, title: name, note, wide }) => `<figure${wide ? ' class="wide"' : ''}><figcaption>${escapeHtml(name)} <small>${escapeHtml(note)}</small></figcaption><div class="plot" id="${id}" role="img" aria-label="${escapeHtml(`${name}: ${note}`)}"></div></figure>`).join('\n')}
</div>
<h2>Configuration</h2>
<div class="scroll"><table class="config"><tbody>
${flatten(data.config)
  .map(([key, value]) => `<tr><th scope="row">${escapeHtml(key)}</th><td>${escapeHtml(value)}</td></tr>`)
  .join('\n')}
</tbody></table></div>
<footer>${credits ? `<p>${escapeHtml(credits)}</p>` : ''}<p>Made by pixtape; curves drawn with uPlot (MIT).</p></footer>
</main>
<script type="application/json" id="curves">${scriptJson(charts)}</script>
<script>${LANGUAGE_GUARD}${scriptText(uplotJs)}</script>
<script>${scriptText(clientJs)}</script>
</body>
</html>
`;
}

/** For text and for double-quoted attributes. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? '');
}

/** Escapes JSON for a script element, so that it can neither end the element nor open a comment. */
const scriptJson = (value: unknown): string => JSON.stringify(value).replace(/</g, '\\u003c');

/** Escapes script text. Our scripts contain no such text, but a later version of a library might, inside a string. */
const scriptText = (script: string): string => script.replace(/<(?=\/script|!--)/gi, '\\x3c');

function tiles(summary: readonly { label: string; value: string }[]): string {
  if (summary.length === 0) return '';
  const items = summary.map(
    ({ label, value }) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  return `<dl class="tiles">${items.join('')}</dl>`;
}

function pictures(
  samples: ReportData['samples'],
  gridNote = 'condition, output and real picture side by side',
): string {
  const chosen = thin(samples, MAX_PICTURES);
  const last = chosen.at(-1);
  if (!last) return '';
  const images = chosen.map(({ step, png }, i) => {
    const alt = escapeHtml(`Sample grid at step ${formatNumber(step)}: ${gridNote}`);
    const source = `data:image/png;base64,${Buffer.from(png.buffer, png.byteOffset, png.byteLength).toString('base64')}`;
    return `<img data-step="${step}" alt="${alt}" src="${source}"${i === chosen.length - 1 ? '' : ' hidden'}>`;
  });
  const control =
    chosen.length === 1
      ? `<p class="quiet">Step ${formatNumber(last.step)}</p>`
      : `<div class="control"><label for="when">Over time</label><input id="when" type="range" min="0" max="${chosen.length - 1}" value="${chosen.length - 1}" step="1"><output id="shown" for="when">step ${formatNumber(last.step)}</output></div>`;
  const note =
    chosen.length < samples.length
      ? `<p class="quiet">${chosen.length} of ${samples.length} pictures; the others are in the run's folder.</p>`
      : '';
  return `<h2>Samples</h2>\n${control}\n<div class="samples" tabindex="0" role="group" aria-label="Sample pictures">\n${images.join('\n')}\n</div>\n${note}`;
}

/** At most `count` items, evenly spaced, the first and the last among them. */
function thin<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))] as T);
}

function flatten(config: Record<string, unknown>, prefix = ''): [string, string][] {
  return Object.entries(config).flatMap(([key, value]): [string, string][] => {
    if (value === undefined) return [];
    const nested =
      typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    if (nested) return flatten(value as Record<string, unknown>, `${prefix}${key}.`);
    return [[prefix + key, typeof value === 'string' ? value : JSON.stringify(value)]];
  });
}
