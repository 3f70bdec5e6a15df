import type { RandomStream } from '../../../../../engine/util/random.ts';
import { type Box, type FacadeCanvas, tint } from '../picture/canvas.ts';
import { hash, noise } from '../picture/noise.ts';
import { drawDoor, drawWindow } from './openings.ts';
import type { Style } from './style.ts';
import { drawSill, drawSurround } from './trim.ts';

/** One bay of the ground floor is the entrance; the others are shops or windows. */
export function drawGroundFloor(canvas: FacadeCanvas, bays: readonly Box[], style: Style, random: RandomStream) {
  const middle = bays.length >> 1;
  const entrance = random.uniform() < 0.6 ? middle : random.below(bays.length);
  const shopfront = random.below(2 ** 20);
  bays.forEach((bay, i) => {
    const shop = style.ground === 'shops' || (style.ground === 'mixed' && i < middle);
    if (i === entrance) drawDoor(canvas, doorIn(bay), style, random);
    else if (shop) drawShop(canvas, bay, style, random, shopfront);
    else {
      const w = Math.round(bay.w * style.windows.width);
      const h = Math.round(bay.h * Math.min(0.6, style.windows.height));
      const box = { x: bay.x + ((bay.w - w) >> 1), y: bay.y + Math.round(bay.h * 0.2), w, h };
      drawSurround(canvas, box, style);
      drawWindow(canvas, box, style, random);
      if (style.windows.sill) drawSill(canvas, box, style);
    }
  });
}

function doorIn({ x, y, w, h }: Box): Box {
  const wide = Math.max(11, Math.min(Math.round(w * 0.62), Math.round(h * 0.6)));
  const tall = Math.round(h * 0.8);
  return { x: x + ((w - wide) >> 1), y: y + h - tall, w: wide, h: tall };
}

/**
 * Strokes that look like letters on a sign board: four pixels each, with gaps between words, different on each board.
 */
function letteringAt(left: number, top: number, w: number, h: number, seed: number) {
  const tall = Math.min(7, h - 3);
  const first = top + ((h - tall) >> 1);
  return (x: number, y: number) => {
    const [column, row] = [x - left - 5, y - first];
    if (row < 0 || row >= tall || column < 0 || x >= left + w - 6) return false;
    const letter = column >> 2;
    if (column % 4 === 3 || hash(letter, 0, seed) < 0.16) return false;
    return column % 4 === 0 || hash(column, Math.floor((3 * row) / tall), seed) > 0.55;
  };
}

/** A shop window under a sign board, sometimes with an awning. The whole front is labelled shop. */
function drawShop(canvas: FacadeCanvas, bay: Box, style: Style, random: RandomStream, kind: number) {
  const front = { x: bay.x + 2, y: bay.y + Math.round(bay.h * 0.16), w: bay.w - 4, h: Math.round(bay.h * 0.84) };
  const board = Math.max(6, Math.round(front.h * 0.2));
  const [r, g, b] = [hash(1, 0, kind), hash(2, 0, kind), hash(3, 0, kind)];
  const sign = [0.15 + 0.6 * r, 0.12 + 0.45 * g, 0.12 + 0.45 * b] as const;
  canvas.fill(front, { colour: tint(style.doorColour, 0.85), depth: 0.8, label: 'shop' });
  const seed = random.below(2 ** 20);
  const letters = letteringAt(front.x, front.y, front.w, board, seed);
  const ink = 0.3 * (r + g + b) > 0.45 ? ([0.1, 0.1, 0.1] as const) : ([0.93, 0.9, 0.8] as const);
  canvas.fill({ ...front, h: board }, { colour: (x, y) => (letters(x, y) ? ink : sign), depth: 2 });
  const glass = { x: front.x + 2, y: front.y + board + 1, w: front.w - 4, h: front.h - board - 2 };
  drawWindow(canvas, glass, style, random, true);
  if (hash(4, 0, kind) > 0.6) return;
  const striped = hash(5, 0, kind) > 0.5;
  const cloth = (x: number, y: number) => {
    const pale = striped && (x - front.x) % 8 < 4;
    return tint(pale ? [0.9, 0.88, 0.84] : sign, 0.9 + 0.2 * noise(x / 6, y / 3, seed));
  };
  const awning = { x: front.x - 1, y: front.y + board, w: front.w + 2, h: Math.max(5, Math.round(front.h * 0.2)) };
  canvas.fill(awning, { colour: cloth, depth: (_, y) => 4 + ((y - awning.y) / awning.h) * 5, label: 'blind' });
}
