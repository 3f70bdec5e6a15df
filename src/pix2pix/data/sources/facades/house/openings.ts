import type { RandomStream } from '../../../../../engine/util/random.ts';
import { type Box, blend, type FacadeCanvas, inset, type Rgb, tint } from '../picture/canvas.ts';
import { clamp, noise } from '../picture/noise.ts';
import type { Style } from './style.ts';
import { trimSurface } from './surfaces.ts';

export type Shape = (x: number, y: number) => boolean;

/** The arch at the top of an opening; undefined for a rectangle. */
export function archOf({ x, y, w }: Box, top: Style['windows']['top']): Shape | undefined {
  if (top === 'flat') return undefined;
  const rise = top === 'round' ? w / 2 : w / 5;
  const radius = (w * w) / (8 * rise) + rise / 2;
  const [middle, centre] = [x + w / 2, y + radius];
  return (px, py) => py >= y + rise || (px + 0.5 - middle) ** 2 + (py + 0.5 - centre) ** 2 <= radius * radius;
}

/** A window in its opening: the inside, the frame and the bars. Each differs, as in real houses. */
export function drawWindow(canvas: FacadeCanvas, box: Box, style: Style, random: RandomStream, shop = false) {
  const { seed, frameColour, windows } = style;
  const arch = shop ? undefined : archOf(box, windows.top);
  const within = arch ? { inside: arch } : {};
  const label = shop ? 'shop' : 'window';
  canvas.fill(box, { colour: frameColour, depth: -3, label, ...within });
  const glass = inset(box, box.w > 12 ? 2 : 1);
  const room = roomBehind(glass, windows.curtains, seed + random.below(2 ** 20), random, shop);
  canvas.fill(glass, { colour: room, depth: -5, gloss: 0.16 + 0.5 * random.uniform(), ...within });
  const [across, down] = shop ? [Math.max(1, Math.round(box.w / 22)), 1] : windows.panes;
  const bar = { colour: frameColour, depth: -3, ...within };
  for (let i = 1; i < across; i++) {
    const thick = glass.w / across > 7 && across === 2 ? 2 : 1;
    canvas.fill(
      { x: glass.x + Math.round((i * glass.w) / across) - (thick >> 1), y: glass.y, w: thick, h: glass.h },
      bar,
    );
  }
  for (let i = 1; i < down; i++) {
    // Of two rows, the upper one is smaller, like a fanlight.
    const share = down === 2 ? 0.32 : i / down;
    canvas.fill({ x: glass.x, y: glass.y + Math.round(share * glass.h), w: glass.w, h: 1 }, bar);
  }
  if (shop) canvas.fill({ ...box, y: box.y + box.h - 5, h: 5 }, { colour: tint(style.doorColour, 0.9), depth: -2 });
  else if (random.uniform() < windows.blinds) drawRollerBlind(canvas, box, within, style, random);
}

/** Dark inside, often with curtains, sometimes with the lights on. */
function roomBehind(
  { x: left, y: top, w, h }: Box,
  curtains: number,
  seed: number,
  random: RandomStream,
  shop: boolean,
) {
  const lit = random.uniform() < (shop ? 0.5 : 0.06);
  const dark = 0.05 + 0.12 * random.uniform();
  const inside: Rgb = lit ? [0.78, 0.66, 0.45] : [dark * 1.05, dark, dark * 0.95];
  const cloth = tint([0.86, 0.83, 0.76], 0.5 + 0.4 * random.uniform());
  const hung = !shop && random.uniform() < curtains;
  const [sides, lace] = [0.12 + 0.36 * random.uniform(), random.uniform() < 0.3 ? 0.3 + 0.4 * random.uniform() : 0];
  return (x: number, y: number): Rgb => {
    const across = Math.min(x - left, left + w - 1 - x) / w;
    const down = (y - top) / h;
    const folds = 0.75 + 0.5 * noise(x / 1.6, y / 30, seed);
    if (hung && across < sides * (0.6 + 0.4 * down)) return tint(cloth, folds);
    if (hung && down > 1 - lace) return tint(cloth, 0.85 * folds);
    const things = shop ? clamp(1.6 * noise(x / 4, y / 5, seed) - 0.2) * clamp(2 * down - 0.4) : 0;
    const shade = 0.7 + 0.6 * noise(x / 7, y / 9, seed + 1);
    return blend(tint(inside, shade), [0.75 * noise(x / 3, y / 3, seed + 2), 0.45, 0.4], 0.7 * things);
  };
}

function drawRollerBlind(
  canvas: FacadeCanvas,
  box: Box,
  within: { inside?: Shape },
  { shutterColour }: Style,
  random: RandomStream,
) {
  const h = Math.max(3, Math.round(box.h * (0.2 + 0.8 * random.uniform())));
  const slats = blend(shutterColour, [0.85, 0.83, 0.78], 0.75);
  const colour = (_: number, y: number) => tint(slats, (y - box.y) % 3 === 2 ? 0.72 : 1);
  canvas.fill({ ...inset(box, 1), h: Math.min(h, box.h - 2) }, { colour, depth: -2, label: 'blind', ...within });
}

/** Wooden shutters at both sides of a window. */
export function drawShutters(canvas: FacadeCanvas, { x, y, w, h }: Box, { shutterColour }: Style) {
  const wing = Math.max(3, Math.round(w * 0.42));
  for (const left of [x - wing - 1, x + w + 1]) {
    const colour = (px: number, py: number) => {
      const rim =
        px === left || px === left + wing - 1 || py - y < 2 || y + h - py <= 2 || Math.abs(py - y - h / 2) < 1;
      return tint(shutterColour, rim ? 1.12 : (py - y) % 2 === 0 ? 1 : 0.66);
    };
    canvas.fill({ x: left, y, w: wing, h }, { colour, depth: 1.5, label: 'blind' });
  }
}

/** A door with panels and a fanlight, in its opening, a step before it. */
export function drawDoor(canvas: FacadeCanvas, box: Box, style: Style, random: RandomStream) {
  const { x, y, w, h } = box;
  const top = random.uniform() < 0.4 ? 'round' : style.windows.top;
  const arch = archOf(box, top);
  const within = arch ? { inside: arch } : {};
  const fanlight = Math.round(h * 0.24);
  const grain = style.seed + 61;
  const rim = { x: x - 3, y: y - 3, w: w + 6, h: h + 3 };
  const rimArch = archOf(rim, top);
  canvas.fill(rim, { ...trimSurface(style, 1.5), ...(rimArch ? { inside: rimArch } : {}) });
  canvas.fill(box, {
    colour: (px, py) => tint(style.doorColour, 0.9 + 0.25 * noise(px / 1.5, py / 14, grain)),
    depth: -4,
    label: 'door',
    ...within,
  });
  const glass = { x: x + 2, y: y + 2, w: w - 4, h: fanlight - 3 };
  canvas.fill(glass, { colour: [0.12, 0.12, 0.13], depth: -5, gloss: 0.45, ...within });
  const wings = w > 15 ? 2 : 1;
  for (let wing = 0; wing < wings; wing++) {
    const [left, right] = [x + Math.round((wing * w) / wings), x + Math.round(((wing + 1) * w) / wings)];
    canvas.fill(
      { x: left, y: y + fanlight, w: 1, h: h - fanlight },
      { colour: tint(style.doorColour, 0.6), depth: -5 },
    );
    for (const [from, to] of [
      [0.3, 0.6],
      [0.67, 0.93],
    ] as const) {
      const panel = { x: left + 3, y: y + Math.round(from * h), w: right - left - 5, h: Math.round((to - from) * h) };
      canvas.fill(panel, { colour: tint(style.doorColour, 0.82), depth: -5 });
      canvas.fill(inset(panel, 1), { colour: tint(style.doorColour, 1.08), depth: -4.2 });
    }
  }
  canvas.fill({ x: x - 4, y: y + h - 2, w: w + 8, h: 3 }, { ...trimSurface(style, 4, 0.85) });
}
