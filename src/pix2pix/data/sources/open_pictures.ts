import { PixtapeError } from '../../../engine/util/errors.ts';
import { headerFaults } from '../files/all_pictures.ts';
import { type ClassPictures, findClassFolders, findUnclassed, readClassTable } from '../files/class_pictures.ts';
import { withSkipHint } from '../files/formats.ts';
import { decode } from '../image/decode.ts';
import { fitPicture } from '../image/fit_picture.ts';
import { cut } from '../image/raster.ts';
import { Budget } from '../sets/pairs.ts';
import { PictureSet, type PictureSource } from '../sets/picture_set.ts';
import { roomForPictures } from '../split/cache_budget.ts';
import { holdOut } from '../split/split.ts';
import { chooseEmojis, type Emoji, OPENMOJI_CREDITS, readEmojiPackage } from './emoji/emoji.ts';
import { type EmojiPack, openEmojiPack } from './emoji/emoji_pack.ts';
import { chooseSmileys, FACE_ZOOM, HELD_OUT_SMILEYS } from './emoji/smileys.ts';

/** Which pictures a GAN is trained on. */
export interface PictureData {
  data: 'folder' | 'openmoji' | 'smileys';
  dataroot?: string;
  /** `folders`: each folder in dataroot is a class. Otherwise the path of a table file,class. */
  classes?: 'folders' | { table: string };
  /** openmoji: groups or subgroups; all by default. */
  groups?: string[];
  augment: boolean;
  flip: boolean;
  skipBad: boolean;
}

export interface OpenPictureOptions extends PictureData {
  /** Pixels of a side. */
  side: number;
  warn: (line: string) => void;
  onRendered?: (done: number, total: number) => void;
}

export interface OpenedPictures {
  train: PictureSet;
  /**
   * With classes: pictures that training never sees, for testing a classifier; undefined if there are too few.
   */
  test: PictureSet | undefined;
  /** One line for the user. */
  summary: string;
  credits?: string;
}

/** Classes with fewer pictures hold out none. */
const LEAST_TO_SPARE = 3;

/**
 * Finds a GAN's pictures and checks every file's header. With classes, holds out a tenth of each, chosen by name, but
 * at least one.
 * @throws PixtapeError saying what is wrong with the folder or the table, or which file is bad
 */
export async function openPictures(options: OpenPictureOptions): Promise<OpenedPictures> {
  const { source, classes, what, credits } = await sourceOf(options);
  const { side, augment, flip, skipBad, warn } = options;
  const common = { side, classes, augment, flip, skipBad, warn, budget: new Budget(roomForPictures()) };
  const { train, test } = splitClasses(source, classes.length);
  const held = test.length > 0 ? new PictureSet(new Part(source, test), common) : undefined;
  const counts = classes.map((name, label) => `${train.filter((i) => source.label(i) === label).length} ${name}`);
  const missing = classes.find((_, label) => !train.some((i) => source.label(i) === label));
  if (missing !== undefined) throw new PixtapeError(`no picture of the class "${missing}" can be read`);
  const parts = classes.length > 0 ? ` (${counts.join(', ')}), ${test.length} held out` : '';
  return {
    train: new PictureSet(new Part(source, train), common),
    test: held,
    summary: `${train.length} pictures${parts}: ${what}${augment ? ', moved a little at random' : ''}`,
    ...(credits === undefined ? {} : { credits }),
  };
}

interface Opened {
  source: PictureSource;
  classes: readonly string[];
  what: string;
  credits?: string;
}

function sourceOf(options: OpenPictureOptions): Promise<Opened> {
  if (options.data === 'folder') return openFiles(options);
  return options.data === 'smileys' ? openSmileys(options) : openEmojis(options);
}

async function openFiles({ dataroot, classes, skipBad, warn }: OpenPictureOptions): Promise<Opened> {
  const found = await findFiles(dataroot, classes);
  const headers = await headerFaults(found.files);
  const bad = [...found.faults, ...headers.filter((fault) => fault !== undefined)];
  if (bad[0] && !skipBad) throw withSkipHint(bad[0], bad.length - 1);
  for (const fault of bad) warn(`${fault.path} ${fault.reason}; left out (--skip_bad)`);
  const files = found.files.filter((_, i) => headers[i] === undefined);
  if (files.length === 0) throw new PixtapeError(`none of the ${bad.length} pictures can be read`);
  const source: PictureSource = {
    length: files.length,
    name: (i) => (files[i] as (typeof files)[number]).name,
    label: (i) => (files[i] as (typeof files)[number]).label,
    load: async (i, side) => {
      const { path } = files[i] as (typeof files)[number];
      const size = { width: side, height: side };
      return fitPicture(await decode(path, { vector: size }), size, 'crop');
    },
  };
  const from = typeof classes === 'object' ? `${classes.table}` : dataroot;
  return { source, classes: found.classes, what: `${from}${bad.length > 0 ? `; ${bad.length} bad left out` : ''}` };
}

function findFiles(dataroot: string | undefined, classes: PictureData['classes']): Promise<ClassPictures> {
  if (typeof classes === 'object') return readClassTable(classes.table, dataroot);
  if (dataroot === undefined) throw new PixtapeError('no folder of pictures was named', 'pixtape gan DIR');
  return classes === 'folders' ? findClassFolders(dataroot) : findUnclassed(dataroot);
}

async function openEmojis(options: OpenPictureOptions): Promise<Opened> {
  const groups = (options.groups ?? []).flatMap((name) => name.split(',').filter(Boolean));
  const { emojis } = readEmojiPackage();
  const chosen = chooseEmojis(emojis, groups);
  const what = groups.length > 0 ? groups.join(', ') : 'all groups';
  return emojiSource(options, { emojis: chosen, labels: chosen.map(() => 0), classes: [] }, 1, what);
}

async function openSmileys(options: OpenPictureOptions): Promise<Opened> {
  return emojiSource(options, chooseSmileys(readEmojiPackage().emojis), FACE_ZOOM, 'smileys', HELD_OUT_SMILEYS);
}

/** @param zoom the size of the drawing relative to the picture, which is cropped from its centre */
async function emojiSource(
  { side, augment, onRendered }: OpenPictureOptions,
  { emojis, labels, classes }: { emojis: Emoji[]; labels: number[]; classes: string[] },
  zoom: number,
  what: string,
  held?: ReadonlySet<string>,
): Promise<Opened> {
  const pkg = readEmojiPackage();
  // An even margin keeps the centre.
  const large = (n: number) => n + 2 * Math.round((n * (zoom - 1)) / 2);
  const wanted = augment ? 2 * side : side;
  const pack: EmojiPack = await openEmojiPack(pkg, emojis, large(wanted), large(wanted), onRendered);
  const source: PictureSource = {
    length: emojis.length,
    name: (i) => (emojis[i] as Emoji).annotation,
    label: (i) => labels[i] as number,
    ...(held ? { heldOut: (i: number) => held.has((emojis[i] as Emoji).hexcode) } : {}),
    load: async (i, n) => {
      if (n !== wanted) throw new Error(`no emojis rendered at ${n}`);
      const { colour } = await pack.pair(i);
      const margin = (colour.width - n) / 2;
      return cut(colour, margin, margin, n, n);
    },
  };
  return { source, classes, what: `openmoji ${pkg.version}, ${what}`, credits: OPENMOJI_CREDITS };
}

/** A subset of the pictures, by index. */
class Part implements PictureSource {
  readonly length: number;
  private readonly whole: PictureSource;
  private readonly indices: readonly number[];

  constructor(whole: PictureSource, indices: readonly number[]) {
    this.whole = whole;
    this.indices = indices;
    this.length = indices.length;
  }

  name(index: number): string {
    return this.whole.name(this.of(index));
  }
  label(index: number): number {
    return this.whole.label(this.of(index));
  }
  load(index: number, side: number) {
    return this.whole.load(this.of(index), side);
  }
  private of(index: number): number {
    return this.indices[index] as number;
  }
}

/**
 * Holds out a tenth of each class, by the pictures' names, or what the source says. Without classes, holds out
 * nothing.
 */
function splitClasses(source: PictureSource, classes: number): { train: number[]; test: number[] } {
  const all = Array.from({ length: source.length }, (_, i) => i);
  if (classes === 0) return { train: all, test: [] };
  const test = source.heldOut ? all.filter((i) => source.heldOut?.(i)) : byName(source, classes, all);
  const held = new Set(test);
  return { train: all.filter((i) => !held.has(i)), test };
}

function byName(source: PictureSource, classes: number, all: readonly number[]): number[] {
  return Array.from({ length: classes }, (_, label) => all.filter((i) => source.label(i) === label)).flatMap(
    (members) => {
      if (members.length < LEAST_TO_SPARE) return [];
      const split = holdOut(members.map((i) => source.name(i)));
      return (split?.test ?? []).map((i) => members[i] as number);
    },
  );
}
