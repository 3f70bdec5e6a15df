import type { RandomStream } from '../../../../../engine/util/random.ts';
import { type Box, blend, type FacadeCanvas, type Rgb, SKY, tint } from '../picture/canvas.ts';
import { hash, noise } from '../picture/noise.ts';
import type { Style } from './style.ts';
import { plaster, sky } from './surfaces.ts';

/** How far a neighbour's eaves may be below the house's. */
const LOWEST = 40;

/** Sky, roof, the neighbours' walls and the pavement: everything labelled background. */
export function drawSurroundings(
  canvas: FacadeCanvas,
  house: Box,
  style: Style,
  overcast: number,
  random: RandomStream,
) {
  const { width, height } = canvas;
  const { seed } = style;
  canvas.fill({ x: 0, y: 0, w: width, h: house.y + LOWEST }, { colour: sky(seed + 50, overcast), depth: SKY });
  drawRoof(canvas, house, style, random);
  const right = house.x + house.w;
  for (const box of [
    { x: 0, y: 0, w: house.x, h: height },
    { x: right, y: 0, w: width - right, h: height },
  ]) {
    if (box.w > 0) drawNeighbour(canvas, box, house, style, random);
  }
  const street = house.y + house.h;
  const paving: Rgb = [0.52, 0.51, 0.49];
  canvas.fill(
    { x: 0, y: street, w: width, h: height - street },
    {
      colour: (x, y) => {
        const slab = (y - street) % 5 === 4 || (x + (y - street) * 2) % 19 === 0;
        return tint(paving, (slab ? 0.8 : 1) * (0.86 + 0.28 * noise(x / 5, y / 2, seed + 51)));
      },
      depth: 1,
      label: 'background',
    },
  );
}

function drawRoof(canvas: FacadeCanvas, house: Box, style: Style, random: RandomStream) {
  const { seed, roofColour } = style;
  const rise = Math.round(house.y * (0.4 + 0.5 * random.uniform()));
  if (rise < 5) return;
  const slope = random.uniform() < 0.5 ? 0 : 0.8;
  const top = house.y - rise;
  for (let chimney = 0; chimney < 1 + random.below(3); chimney++) {
    const x = house.x + 12 + random.below(Math.max(1, house.w - 34));
    const box = { x, y: top - 5 - random.below(7), w: 7 + random.below(6), h: rise };
    canvas.fill(box, { ...plaster(style, [0.5, 0.36, 0.3], -8) });
    canvas.fill({ ...box, x: x - 1, w: box.w + 2, h: 2 }, { colour: [0.42, 0.38, 0.35], depth: -6 });
  }
  canvas.fill(
    { x: house.x, y: top, w: house.w, h: rise },
    {
      colour: (x, y) => {
        const tile = (y - top) % 3 === 2 ? 0.8 : 1;
        const column = Math.floor((x + (Math.floor((y - top) / 3) % 2) * 2) / 4);
        return tint(roofColour, tile * (0.8 + 0.35 * hash(column, Math.floor((y - top) / 3), seed + 52)));
      },
      depth: (_, y) => -9 + (4 * (y - top)) / rise,
      inside: (x, y) => Math.min(x - house.x, house.x + house.w - 1 - x) >= slope * (house.y - y),
    },
  );
  const dormers = random.uniform() < 0.45 && rise >= 16 ? style.bays : 0;
  for (let i = 0; i < dormers; i += 2) {
    const x = house.x + Math.round(((i + 0.5) * house.w) / dormers) - 6;
    const box = { x, y: house.y - Math.min(rise - 2, 15), w: 12, h: Math.min(rise - 2, 15) };
    canvas.fill(box, { ...plaster(style, tint(style.trimColour, 0.9), -2) });
    canvas.fill({ x: x + 3, y: box.y + 4, w: 6, h: box.h - 6 }, { colour: [0.14, 0.16, 0.19], depth: -5, gloss: 0.4 });
    canvas.fill({ x: x - 1, y: box.y - 1, w: 14, h: 2 }, { colour: tint(roofColour, 0.8), depth: 0 });
  }
}

function drawNeighbour(canvas: FacadeCanvas, box: Box, house: Box, style: Style, random: RandomStream) {
  const colour = blend([0.72, 0.66, 0.56], [0.5, 0.42, 0.38], random.uniform());
  const top = Math.max(0, house.y - 20 + random.below(20 + LOWEST));
  const wall = { ...box, y: top, h: canvas.height - top };
  canvas.fill(wall, { ...plaster({ ...style, seed: style.seed + 53 }, colour, -3), label: 'background' });
  canvas.fill({ ...wall, h: 4 }, { colour: tint(colour, 0.8), depth: -1 });
  const floor = 34 + random.below(14);
  for (let y = top + 14; y < canvas.height - 30 && box.w > 12; y += floor) {
    const w = Math.min(14, box.w - 6);
    const x = box.x === 0 ? box.w - w - 4 : box.x + 4;
    canvas.fill({ x, y, w, h: floor - 16 }, { colour: [0.16, 0.17, 0.19], depth: -6, gloss: 0.4 });
  }
}
