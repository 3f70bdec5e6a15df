import type { Roofline } from '../roofline/roofline.ts';
import type { Point } from '../section.ts';
import { figure } from './table.ts';

/**
 * Draws the roofline plot as SVG, legible on light and dark pages. The left half is log-log: the roof (the lower of
 * arithmetic and bandwidth at each number of operations a byte) and every measurement. The right half shows the compared
 * convolutions layer by layer on the same scale of GFLOP/s, because on the left they lie too close together.
 * Source: Williams, Waterman & Patterson 2009, "Roofline: An Insightful Visual Performance Model".
 */
export function rooflinePlot(points: readonly Point[], roofline: Roofline, title: string): string {
  const convolutions = points.filter((p) => p.mode !== 'memory');
  const layers = [...new Map(convolutions.map((p) => [p.what, p.intensity]))].sort((a, b) => a[1] - b[1]);
  const whos = WHO.filter(({ name }) => points.some((p) => p.who === name));
  const values = [...points.map((p) => p.gflops), roofline.arithmetic, roofline.copy * LEFT.from];
  const lowest = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const y = logScale(lowest, 2 * Math.max(...values), BOTTOM, TOP);
  const x = logScale(LEFT.from, LEFT.to, LEFT.x, LEFT.x + LEFT.width);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>${STYLE}<rect class="page" width="${WIDTH}" height="${HEIGHT}" rx="8"/>`,
    text(24, 28, title, 'start', 'ink" font-size="15" font-weight="600'),
    ...decades(lowest, 2 * Math.max(...values)).map((v) => horizontal(y(v), String(v))),
    text(24, TOP - 14, 'GFLOP/s'),
    ...intensityAxis(x),
    roof(roofline, x, y),
    ...memoryLabels(points, x, y),
    ...points.map((p) => marker(p, x(p.intensity), y(p.gflops))),
    ...layerPanel(convolutions, layers, whos, y, roofline),
    ...legend(whos),
    '</svg>\n',
  ].join('\n');
}

const WIDTH = 1080;
const HEIGHT = 620;
const TOP = 76;
const BOTTOM = 500;
const LEFT = { x: 64, width: 470, from: 1 / 16, to: 1024 };
const RIGHT = { x: 570, width: 486 };
const LABEL_HEIGHT = 14;

const WHO = [
  { name: 'pixtape', style: 'a', shape: (x: number, y: number) => `<circle cx="${x}" cy="${y}" r="4.5"` },
  {
    name: 'TF.js',
    style: 'b',
    shape: (x: number, y: number) => `<rect x="${x - 4}" y="${y - 4}" width="8" height="8"`,
  },
  { name: 'jax-js', style: 'c', shape: (x: number, y: number) => `<path d="M${x} ${y - 5}l5 9h-10z"` },
  {
    name: 'PyTorch',
    style: 'd',
    shape: (x: number, y: number) => `<path d="M${x} ${y - 5.5}l5.5 5.5l-5.5 5.5l-5.5-5.5z"`,
  },
] as const;

/** Each engine's colour, filled for the forward and an outline with gradients; then the colours of the page. */
const STYLE = `<style>${styles(['#0b62d6', '#b8500a', '#1a7f37', '#8250df'], '#ffffff', '#1f2328', '#59636e', '#d8dee4')}
@media (prefers-color-scheme: dark) {${styles(['#6cb0ff', '#f0883e', '#4ac95f', '#c29bff'], '#0d1117', '#f0f6fc', '#9da7b1', '#30363d')}}</style>`;

function styles(colours: readonly string[], page: string, ink: string, quiet: string, rule: string): string {
  const each = colours.map((c, i) => {
    const name = 'abcd'[i];
    return `.${name}{fill:${c};stroke:${c};stroke-width:1.5}.${name}.o{fill:${page};stroke-width:2}`;
  });
  return `${each.join('')}.page{fill:${page}}text{paint-order:stroke;stroke:${page};stroke-width:3}.ink{fill:${ink}}.quiet{fill:${quiet}}.rule{stroke:${rule};fill:none}.roof{stroke:${ink};stroke-width:2;fill:none}`;
}

type Scale = (value: number) => number;

function logScale(from: number, to: number, start: number, end: number): Scale {
  const span = Math.log(to / from);
  return (value) => Math.round((start + (Math.log(value / from) / span) * (end - start)) * 10) / 10;
}

function decades(from: number, to: number): number[] {
  const first = Math.ceil(Math.log10(from) - 1e-9);
  return Array.from({ length: Math.floor(Math.log10(to)) - first + 1 }, (_, i) => Number(`1e${first + i}`));
}

function text(x: number, y: number, content: string, anchor = 'start', style = 'quiet'): string {
  return `<text class="${style}" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

const escaped = (content: string) => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function horizontal(y: number, label: string): string {
  const line = (x: number, width: number) => `<path class="rule" d="M${x} ${y}h${width}"/>`;
  return line(LEFT.x, LEFT.width) + line(RIGHT.x, RIGHT.width) + text(LEFT.x - 8, y + 4, label, 'end');
}

function intensityAxis(x: Scale): string[] {
  const ticks = [1 / 16, 1 / 4, 1, 4, 16, 64, 256, 1024];
  const label = (v: number) => (v < 1 ? `1/${1 / v}` : String(v));
  return [
    ...ticks.map(
      (v) => `<path class="rule" d="M${x(v)} ${TOP}V${BOTTOM}"/>${text(x(v), BOTTOM + 18, label(v), 'middle')}`,
    ),
    text(LEFT.x + LEFT.width / 2, BOTTOM + 38, 'operations for each byte that has to move', 'middle'),
  ];
}

function roof({ arithmetic, copy }: Roofline, x: Scale, y: Scale): string {
  const ridge = arithmetic / copy;
  const path = `M${x(LEFT.from)} ${y(copy * LEFT.from)}L${x(ridge)} ${y(arithmetic)}H${LEFT.x + LEFT.width}`;
  // Place the label above the slope.
  const at = Math.sqrt(LEFT.from * ridge);
  const angle = (Math.atan2(y(arithmetic) - y(copy * LEFT.from), x(ridge) - x(LEFT.from)) * 180) / Math.PI;
  const copyLabel = text(0, -8, `copy ${figure(copy)} GB/s`, 'middle', 'ink');
  return [
    `<path class="roof" d="${path}"/>`,
    `<g transform="translate(${x(at)} ${y(at * copy)}) rotate(${angle.toFixed(1)})">${copyLabel}</g>`,
    text(x(ridge) - 8, y(arithmetic) + 4, `multiply-add ${figure(arithmetic)} GFLOP/s`, 'end', 'ink'),
  ].join('');
}

/** Names the operations that move memory in a column, with a line from each name to its point. */
function memoryLabels(points: readonly Point[], x: Scale, y: Scale): string[] {
  const labelled = points.filter((p) => p.mode === 'memory').sort((a, b) => b.gflops - a.gflops);
  const column = x(2.5);
  const lowest = BOTTOM - 6 - labelled.length * LABEL_HEIGHT;
  const start = Math.max(TOP, Math.min(lowest, ...labelled.map((p, i) => y(p.gflops) - i * LABEL_HEIGHT)));
  return labelled.map((p, i) => {
    const at = start + (i + 1) * LABEL_HEIGHT;
    const line = `<path class="rule" d="M${x(p.intensity)} ${y(p.gflops)}L${column - 4} ${at - 4}"/>`;
    return line + text(column, at, p.what);
  });
}

function marker({ who, mode }: Pick<Point, 'who' | 'mode'>, x: number, y: number): string {
  const { style, shape } = WHO.find(({ name }) => name === who) ?? WHO[0];
  return `${shape(x, y)} class="${style}${mode === 'forward + gradients' ? ' o' : ''}"/>`;
}

type Whos = readonly (typeof WHO)[number][];

function layerPanel(
  points: readonly Point[],
  layers: [string, number][],
  whos: Whos,
  y: Scale,
  roofline: Roofline,
): string[] {
  const step = RIGHT.width / Math.max(1, layers.length);
  const ceiling = `<path class="roof" d="M${RIGHT.x} ${y(roofline.arithmetic)}h${RIGHT.width}"/>`;
  const centre = (what: string) => RIGHT.x + step * (layers.findIndex(([name]) => name === what) + 0.5);
  // Place the engines side by side, each forward to the left of its forward with gradients.
  const place = (p: Point) => {
    const slot = whos.findIndex(({ name }) => name === p.who) - (whos.length - 1) / 2;
    return centre(p.what) + slot * 21 + (p.mode === 'forward' ? -5 : 5);
  };
  return [
    ceiling,
    ...layers.flatMap(([name, intensity]) => [
      ...name.split(' ').map((part, i) => text(centre(name), BOTTOM + 18 + 16 * i, part, 'middle', 'ink')),
      text(centre(name), BOTTOM + 54, `${figure(intensity)} a byte`, 'middle'),
    ]),
    ...layers.slice(1).map((_, i) => `<path class="rule" d="M${RIGHT.x + step * (i + 1)} ${TOP}V${BOTTOM}"/>`),
    ...points.map((p) => marker(p, place(p), y(p.gflops))),
  ];
}

function legend(whos: Whos): string[] {
  const y = HEIGHT - 40;
  return [
    ...whos.map(({ name }, i) => {
      const x = LEFT.x + i * 100;
      return marker({ who: name, mode: 'forward' }, x, y - 4) + text(x + 12, y, name, 'start', 'ink');
    }),
    text(RIGHT.x + RIGHT.width, y, 'filled: forward; outline: forward + both gradients', 'end'),
  ];
}
