import { RandomStream } from '../../../../engine/util/random.ts';
import type { Raster } from '../../image/raster.ts';
import { drawGroundFloor } from './house/ground.ts';
import { drawShutters, drawWindow } from './house/openings.ts';
import { drawStyle, type Style } from './house/style.ts';
import { rusticSurface, wallSurface } from './house/surfaces.ts';
import { drawSurroundings } from './house/surroundings.ts';
import { drawBalcony, drawDeco, drawHead, drawMolding, drawPillar, drawSill, drawSurround } from './house/trim.ts';
import { type Box, FacadeCanvas } from './picture/canvas.ts';
import { labelPicture } from './picture/classes.ts';
import { drawLight, photograph } from './picture/light.ts';

/** Side of each half in pixels, as in the real set. */
export const FACADE_SIDE = 256;

/** Random stream; batches use 101 and 102. */
const FACADE = 103;

/**
 * Draws a facade procedurally: a picture, and a map of its parts in the colours of CMP's classes, 256 × 256 bytes
 * each. The same seed and index give the same bytes on every machine. Details that the map does not determine
 * (colours, light, curtains, reflections) vary between houses and windows, so that a network that only averages would
 * blur them.
 */
export function drawFacade(seed: number, index: number): { picture: Raster; labels: Raster } {
  const random = new RandomStream(seed, FACADE, index);
  const style = drawStyle(random);
  const light = drawLight(random);
  const canvas = new FacadeCanvas(FACADE_SIDE, FACADE_SIDE);
  const house = placeHouse(random);
  drawSurroundings(canvas, house, style, light.overcast, random);
  drawHouse(canvas, house, style, random);
  return { picture: photograph(canvas, light), labels: labelPicture(canvas.labels, canvas.width, canvas.height) };
}

/** Places the house, which fills most of the picture; the rest is sky, neighbours and pavement. */
function placeHouse(random: RandomStream): Box {
  const margin = (most: number, chance: number) => (random.uniform() < chance ? 3 + random.below(most) : 0);
  const [left, right] = [margin(24, 0.55), margin(24, 0.55)];
  const top = random.uniform() < 0.75 ? 12 + random.below(44) : 0;
  const bottom = 3 + random.below(14);
  return { x: left, y: top, w: FACADE_SIDE - left - right, h: FACADE_SIDE - top - bottom };
}

function drawHouse(canvas: FacadeCanvas, house: Box, style: Style, random: RandomStream) {
  canvas.fill(house, { ...wallSurface(style), label: 'facade' });
  const frieze = style.deco === 'frieze' ? 10 : 0;
  const upper = { ...house, y: house.y + style.eaves + frieze, h: house.h - style.eaves - frieze };
  const ground = Math.round((upper.h / style.floors) * (1.05 + 0.25 * random.uniform()));
  const tall = (upper.h - ground) / (style.floors - 1);
  const street = { ...house, y: house.y + house.h - ground, h: ground };
  if (style.rustic) canvas.fill(street, { ...rusticSurface(style), label: 'facade' });
  canvas.fill(
    { ...street, y: street.y + ground - 6, h: 6 },
    { colour: [0.4, 0.39, 0.37], depth: 1.2, label: 'facade' },
  );
  const columns = divide(house, style);
  const floorAt = (floor: number) => ({ ...house, y: Math.round(upper.y + floor * tall), h: Math.round(tall) });
  drawPillars(canvas, { ...house, y: upper.y, h: street.y - upper.y }, columns, style, random);
  for (let floor = 0; floor < style.floors - 1; floor++)
    drawFloor(canvas, floorAt(floor), floor, columns, style, random);
  drawGroundFloor(
    canvas,
    columns.map(({ x, w }) => ({ x, w, y: street.y, h: street.h })),
    style,
    random,
  );
  const bands =
    style.bands === 'none'
      ? []
      : style.bands === 'ground'
        ? [street.y]
        : [...Array(style.floors - 2).keys()].map((f) => floorAt(f + 1).y).concat(street.y);
  for (const y of bands)
    drawMolding(canvas, { x: house.x, y: y - 2, w: house.w, h: y === street.y ? 5 : 3 }, style, 3.5);
  if (frieze > 0) {
    for (const { x, w } of columns)
      drawDeco(canvas, { x: x + 4, y: house.y + style.eaves + 3, w: w - 8, h: 7 }, style, random);
  }
  drawMolding(canvas, { x: house.x, y: house.y, w: house.w, h: style.eaves }, style, 9, style.eaves > 7);
}

/** Left edges and widths of the bays, symmetric about the middle. */
function divide({ x, w }: Box, { bays, rhythm }: Style): { x: number; w: number }[] {
  const weight = (i: number) => {
    const [fromEnd, middle] = [Math.min(i, bays - 1 - i), (bays - 1) / 2];
    if (rhythm === 'wide centre') return Math.abs(i - middle) < 0.6 ? 1.5 : 1;
    if (rhythm === 'wide ends') return fromEnd === 0 ? 1.35 : 1;
    return rhythm === 'alternating' && fromEnd % 2 === 1 ? 0.75 : 1;
  };
  const weights = Array.from({ length: bays }, (_, i) => weight(i));
  const rim = Math.round(w * 0.025) + 2;
  const unit = (w - 2 * rim) / weights.reduce((sum, value) => sum + value, 0);
  let left = x + rim;
  return weights.map((value) => {
    const from = Math.round(left);
    left += value * unit;
    return { x: from, w: Math.round(left) - from };
  });
}

function drawPillars(
  canvas: FacadeCanvas,
  wall: Box,
  columns: { x: number; w: number }[],
  style: Style,
  random: RandomStream,
) {
  if (style.pillars === 'none') return;
  const w = style.pillars === 'corners' ? 9 : 6;
  const fluted = random.uniform() < 0.5;
  const inner = columns.slice(1).map(({ x }) => x - (w >> 1));
  const ends = [wall.x + 1, wall.x + wall.w - w - 1];
  for (const x of style.pillars === 'corners' ? ends : inner) drawPillar(canvas, { ...wall, x, w }, style, fluted);
}

function drawFloor(
  canvas: FacadeCanvas,
  floor: Box,
  level: number,
  columns: { x: number; w: number }[],
  style: Style,
  random: RandomStream,
) {
  const { windows, balconies, deco } = style;
  const middle = (columns.length - 1) / 2;
  const above = style.floors - 2 - level; // floors between this one and the ground floor
  columns.forEach((column, i) => {
    const h = Math.round(floor.h * windows.height);
    const w = Math.min(Math.round(column.w * windows.width), Math.round(h * 0.85));
    const y = floor.y + Math.round((floor.h - h) * 0.62);
    const centre = Math.abs(i - middle) < 0.6;
    const has = {
      none: false,
      centre: centre && above < 2,
      some: (i + level) % 2 === 0 && above < 2,
      'first floor': above === 0,
    };
    // A wide bay has two windows.
    const double = column.w > 1.25 * (columns[0]?.w ?? 0) && w > 24 && windows.top === 'flat';
    const gap = 5 + windows.surround;
    const wide = double ? Math.round(column.w * 0.27) : w;
    for (const shift of double ? [-(wide >> 1) - gap, (wide >> 1) + gap] : [0]) {
      const box = { x: column.x + ((column.w - wide) >> 1) + shift, y, w: wide, h };
      drawSurround(canvas, box, style);
      drawHead(canvas, box, style, y - windows.surround - floor.y - 3);
      drawWindow(canvas, box, style, random);
      if (windows.shutters && !double && wide * 1.9 < column.w) drawShutters(canvas, box, style);
      if (windows.sill && !has[balconies]) drawSill(canvas, box, style);
    }
    const across = double ? 2 * (wide + gap) : w;
    const whole = { x: column.x + ((column.w - across) >> 1), y, w: across, h };
    if (has[balconies]) drawBalcony(canvas, whole, style);
    const below = { x: whole.x, y: y + h + 4, w: across, h: floor.y + floor.h - y - h - 6 };
    if (deco === 'below' && !has[balconies] && level < style.floors - 2) drawDeco(canvas, below, style, random);
    const next = columns[i + 1];
    if (deco === 'between' && next && style.pillars !== 'between' && !windows.shutters) {
      const size = Math.min(11, Math.round(column.w * (1 - windows.width) * 0.5));
      const at = next.x - (size >> 1);
      drawDeco(canvas, { x: at, y: y + Math.round(h * 0.3), w: size, h: Math.round(size * 1.3) }, style, random);
    }
  });
}
