/**
 * A small bitmap font for the labels of sample grids, so that they look the same on every machine, whether it has
 * fonts or not. Each band names its glyphs and draws them side by side: 5 columns a glyph, one free column between;
 * 7 rows above the baseline, 2 below.
 */
const BANDS: readonly (readonly [glyphs: string, ...rows: string[]])[] = [
  [
    'abcdefghijklm',
    '..... #.... ..... ....# ..... ..##. ..... #.... ..#.. ...#. #.... .##.. .....',
    '..... #.... ..... ....# ..... .#..# ..... #.... ..... ..... #.... ..#.. .....',
    '.###. #.##. .###. .##.# .###. .#... .#### #.##. .##.. ..##. #..#. ..#.. ##.#.',
    '....# ##..# #...# #..## #...# ####. #...# ##..# ..#.. ...#. #.#.. ..#.. #.#.#',
    '.#### #...# #.... #...# ##### .#... #...# #...# ..#.. ...#. ##... ..#.. #.#.#',
    '#...# #...# #...# #...# #.... .#... #...# #...# ..#.. ...#. #.#.. ..#.. #.#.#',
    '.#### ####. .###. .#### .###. .#... .#### #...# .###. ...#. #..#. .###. #.#.#',
    '..... ..... ..... ..... ..... ..... ....# ..... ..... #..#. ..... ..... .....',
    '..... ..... ..... ..... ..... ..... .###. ..... ..... .##.. ..... ..... .....',
  ],
  [
    'nopqrstuvwxyz',
    '..... ..... ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... .....',
    '..... ..... ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... .....',
    '#.##. .###. ####. .#### #.##. .#### ####. #...# #...# #...# #...# #...# #####',
    '##..# #...# #...# #...# ##..# #.... .#... #...# #...# #.#.# .#.#. #...# ...#.',
    '#...# #...# #...# #...# #.... .###. .#... #...# #...# #.#.# ..#.. #...# ..#..',
    '#...# #...# #...# #...# #.... ....# .#..# #..## .#.#. #.#.# .#.#. #...# .#...',
    '#...# .###. ####. .#### #.... ####. ..##. .##.# ..#.. .#.#. #...# .#### #####',
    '..... ..... #.... ....# ..... ..... ..... ..... ..... ..... ..... ....# .....',
    '..... ..... #.... ....# ..... ..... ..... ..... ..... ..... ..... .###. .....',
  ],
  [
    '0123456789',
    '.###. ..#.. .###. .###. ...#. ##### ..##. ##### .###. .###.',
    '#...# .##.. #...# #...# ..##. #.... .#... ....# #...# #...#',
    '#..## ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...#',
    '#.#.# ..#.. ..##. ..##. #..#. ....# ####. ..#.. .###. .####',
    '##..# ..#.. .#... ....# ##### ....# #...# .#... #...# ....#',
    '#...# ..#.. #.... #...# ...#. #...# #...# .#... #...# ...#.',
    '.###. .###. ##### .###. ...#. .###. .###. .#... .###. .##..',
    '..... ..... ..... ..... ..... ..... ..... ..... ..... .....',
    '..... ..... ..... ..... ..... ..... ..... ..... ..... .....',
  ],
  [
    '-_.,:()/?+',
    '..... ..... ..... ..... ..... ...#. .#... ....# .###. .....',
    '..... ..... ..... ..... .##.. ..#.. ..#.. ....# #...# ..#..',
    '..... ..... ..... ..... .##.. .#... ...#. ...#. ....# ..#..',
    '.###. ..... ..... ..... ..... .#... ...#. ..#.. ...#. #####',
    '..... ..... ..... ..... .##.. .#... ...#. .#... ..#.. ..#..',
    '..... ..... .##.. .##.. .##.. ..#.. ..#.. #.... ..... ..#..',
    '..... ..... .##.. .##.. ..... ...#. .#... #.... ..#.. .....',
    '..... ##### ..... ..#.. ..... ..... ..... ..... ..... .....',
    '..... ..... ..... .#... ..... ..... ..... ..... ..... .....',
  ],
];

/** Height of a line and advance per character, in font pixels. */
export const GLYPH_HEIGHT = 9;
export const GLYPH_ADVANCE = 6;

const GLYPHS = new Map<string, readonly string[]>();
for (const [glyphs, ...rows] of BANDS) {
  [...glyphs].forEach((glyph, i) => {
    GLYPHS.set(
      glyph,
      rows.map((row) => row.slice(i * GLYPH_ADVANCE, i * GLYPH_ADVANCE + 5)),
    );
  });
}

/** Width in font pixels of a text on one line. */
export function textWidth(text: string): number {
  return Math.max(0, [...text].length * GLYPH_ADVANCE - 1);
}

/** Shortens a text to a width in font pixels, with two dots at the end where something was left out. */
export function fitText(text: string, width: number): string {
  const room = Math.floor((width + 1) / GLYPH_ADVANCE);
  const letters = [...text];
  return letters.length <= room
    ? text
    : `${letters
        .slice(0, Math.max(0, room - 2))
        .join('')
        .trimEnd()}..`;
}

/** Calls `ink(x, y)` for each font pixel of a text; capitals are drawn small, signs that the font lacks as "?". */
export function drawText(text: string, ink: (x: number, y: number) => void): void {
  [...text.toLowerCase()].forEach((letter, i) => {
    if (letter === ' ') return;
    const rows = GLYPHS.get(letter) ?? GLYPHS.get('?') ?? [];
    rows.forEach((row, y) => {
      for (let x = 0; x < row.length; x++) if (row[x] === '#') ink(i * GLYPH_ADVANCE + x, y);
    });
  });
}
