import type { RandomStream } from '../../../../../engine/util/random.ts';
import { type Box, type FacadeCanvas, inset, tint } from '../picture/canvas.ts';
import { archOf } from './openings.ts';
import type { Style } from './style.ts';
import { trimSurface } from './surfaces.ts';

/** A band along the wall that projects further towards the top; with `dentils`, small blocks hang below it. */
export function drawMolding(canvas: FacadeCanvas, box: Box, style: Style, reach: number, dentils = false) {
  const { x: left, y, w, h } = box;
  const stone = trimSurface(style, 0, 1);
  const shape = (_: number, py: number) => reach * (1 - ((py - y) / h) * 0.75);
  canvas.fill(box, { colour: stone.colour, depth: shape, label: 'molding' });
  if (h >= 5)
    canvas.fill({ ...box, y: y + (h >> 1), h: 1 }, { colour: tint(style.trimColour, 0.72), depth: reach * 0.3 });
  if (!dentils) return;
  for (let x = left + 1; x + 3 <= left + w; x += 6) {
    canvas.fill({ x, y: y + h, w: 3, h: 3 }, { colour: stone.colour, depth: reach * 0.55, label: 'molding' });
  }
}

/** The frame around an opening. It is labelled wall, as in the database. */
export function drawSurround(canvas: FacadeCanvas, box: Box, style: Style) {
  const { surround, top } = style.windows;
  if (surround === 0) return;
  const rim = inset(box, -surround);
  const arch = archOf(rim, top);
  canvas.fill({ ...rim, h: rim.h - surround }, { ...trimSurface(style, 1.2), ...(arch ? { inside: arch } : {}) });
}

export function drawSill(canvas: FacadeCanvas, { x, y, w, h }: Box, style: Style) {
  const tall = Math.max(2, Math.round(h / 14));
  canvas.fill({ x: x - 3, y: y + h, w: w + 6, h: tall }, { ...trimSurface(style, 3, 1.04), label: 'sill' });
}

/** The ornament above a window: a panel under a ledge, a gable, or a keystone. */
export function drawHead(canvas: FacadeCanvas, { x, y, w }: Box, style: Style, room: number) {
  const { head, surround } = style.windows;
  const low = y - surround;
  if (head === 'none' || room < 4) return;
  if (head === 'keystone') {
    const wide = Math.max(3, Math.round(w / 5));
    const box = { x: x + ((w - wide) >> 1), y: low - 3, w: wide, h: Math.min(room, 3 + surround + 2) };
    canvas.fill(box, { ...trimSurface(style, 2.2, 1.02), label: 'deco' });
    return;
  }
  const out = 3 + surround;
  const h = Math.min(room, head === 'pediment' ? Math.max(6, Math.round(w * 0.38)) : 5);
  const box = { x: x - out, y: low - h, w: w + 2 * out, h };
  if (head === 'panel') {
    canvas.fill(box, { ...trimSurface(style, 1.3, 0.97), label: 'cornice' });
    canvas.fill({ ...box, x: box.x - 1, w: box.w + 2, h: 2 }, { ...trimSurface(style, 3.5, 1.04), label: 'cornice' });
    return;
  }
  const middle = box.x + box.w / 2;
  const gable = (by: number) => (px: number, py: number) =>
    Math.abs(px + 0.5 - middle) <= ((py + 1 - box.y) / h) * (box.w / 2) - by;
  canvas.fill(box, { ...trimSurface(style, 3.4, 1.03), label: 'cornice', inside: gable(0) });
  const inner = { ...box, h: h - 2 };
  canvas.fill(inner, { ...trimSurface(style, 0.6, 0.88), label: 'cornice', inside: gable(4.5) });
}

/** A slab with a railing in front of a window or door: iron bars, balusters, or a panel. */
export function drawBalcony(canvas: FacadeCanvas, { x, y, w, h }: Box, style: Style) {
  const tall = Math.max(9, Math.round(h * 0.36));
  const top = y + h - tall;
  const [left, wide] = [x - 5, w + 10];
  const slab = 3;
  const rail = { x: left, y: top, w: wide, h: tall };
  const bars = (every: number, thick: number) => (px: number, py: number) => {
    const along = (px - left) % every;
    return py === top || py >= top + tall - 2 || px - left < 2 || left + wide - px <= 2 || along < thick;
  };
  if (style.railing === 'panel') canvas.fill(rail, { ...trimSurface(style, 7, 0.95), label: 'balcony' });
  else {
    const stone = style.railing === 'stone';
    const made = stone
      ? { ...trimSurface(style, 7), inside: bars(4, 2) }
      : { colour: style.ironColour, depth: 7, inside: bars(3, 1) };
    canvas.fill(rail, made);
    canvas.fill(
      { ...rail, h: stone ? 2 : 1 },
      stone ? trimSurface(style, 8) : { colour: style.ironColour, depth: 7.5 },
    );
    canvas.mark(rail, 'balcony');
  }
  canvas.fill({ x: left - 1, y: y + h, w: wide + 2, h: slab }, { ...trimSurface(style, 8, 0.92), label: 'balcony' });
  for (const bracket of [left + 2, left + wide - 5]) {
    canvas.fill({ x: bracket, y: y + h + slab, w: 3, h: 4 }, { ...trimSurface(style, 4, 0.9), label: 'balcony' });
  }
}

/** A pilaster with base and capital, and with grooves if `fluted`. */
export function drawPillar(canvas: FacadeCanvas, { x, y, w, h }: Box, style: Style, fluted: boolean) {
  const stone = trimSurface(style, 0);
  const round = (px: number) => 2.4 - (fluted && (px - x) % 3 === 2 ? 0.9 : 0);
  canvas.fill({ x, y, w, h }, { colour: stone.colour, depth: round, label: 'pillar' });
  const end = { x: x - 1, w: w + 2, h: 4 };
  canvas.fill({ ...end, y }, { ...trimSurface(style, 3.6, 1.04), label: 'pillar' });
  canvas.fill({ ...end, y: y + h - 4 }, { ...trimSurface(style, 3.2, 0.96), label: 'pillar' });
}

/** A sunk panel with a garland or a rosette. */
export function drawDeco(canvas: FacadeCanvas, box: Box, style: Style, random: RandomStream) {
  if (box.w < 6 || box.h < 5) return;
  canvas.fill(box, { ...trimSurface(style, 0.9, 0.94), label: 'deco' });
  const [cx, cy] = [box.x + box.w / 2, box.y + box.h / 2];
  const petals = 4 + random.below(5);
  const rosette = (px: number, py: number) => {
    const [u, v] = [(px + 0.5 - cx) / (box.w / 2), (py + 0.5 - cy) / (box.h / 2)];
    const radius = Math.sqrt(u * u + v * v);
    // A wave around the centre without sines, which petals by angle would need.
    return radius < 0.85 && (Math.abs(u * v) * petals) % 1 < 0.45;
  };
  canvas.fill(inset(box, 1), { ...trimSurface(style, 2.2, 1.02), inside: rosette });
}
