import { readFile } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, normalize } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { PixtapeError } from '../../../engine/util/errors.ts';
import { type FoundPictures, findAllPictures, type PictureFile } from './all_pictures.ts';
import type { BadFile } from './formats.ts';
import { isHidden, READABLE } from './formats.ts';
import { disk } from './layout.ts';

/** Picture files with their classes (an index into `classes`; 0 without classes). */
export interface ClassPictures {
  files: (PictureFile & { label: number })[];
  classes: string[];
  faults: BadFile[];
}

/** All pictures in a folder and its subfolders, without classes; see `findAllPictures`. */
export async function findUnclassed(root: string): Promise<ClassPictures> {
  return { ...labelled(await findAllPictures(root), 0), classes: [] };
}

/**
 * Each folder in `root` is a class of the pictures in it, at any depth.
 * @throws PixtapeError if there are fewer than two such folders, one holds no picture, or pictures lie beside them
 */
export async function findClassFolders(root: string): Promise<ClassPictures> {
  const entries = (await disk.list(root)).filter(({ name }) => !isHidden(name));
  const classes = entries.flatMap(({ name, kind }) => (kind === 'folder' ? [name] : [])).sort(byName);
  checkClasses(classes, root, 'Make a folder for each class in it, or give a table: --classes labels.csv');
  const loose = entries.filter(({ name, kind }) => kind === 'file' && READABLE.has(extname(name).toLowerCase()));
  const [first] = loose.map(({ name }) => name).sort(byName);
  if (first !== undefined) {
    const message = `${join(root, first)} lies beside the folders of the classes: which class is it?`;
    throw new PixtapeError(message, 'Move it into one of them.');
  }
  const found: ClassPictures = { files: [], classes, faults: [] };
  for (const [label, name] of classes.entries()) {
    const { files, faults } = labelled(await picturesOf(name, join(root, name)), label);
    found.files.push(...files.map((file) => ({ ...file, name: `${name}-${file.name}` })));
    found.faults.push(...faults);
  }
  return found;
}

async function picturesOf(className: string, folder: string): Promise<FoundPictures> {
  try {
    return await findAllPictures(folder);
  } catch (cause) {
    if (!(cause instanceof PixtapeError)) throw cause;
    const message = `the class "${className}" is empty: there is no picture in ${folder}`;
    throw new PixtapeError(message, 'Put pictures there, or remove the folder.', { cause });
  }
}

function labelled({ pictures, faults }: FoundPictures, label: number): Pick<ClassPictures, 'files' | 'faults'> {
  return { files: pictures.map((picture) => ({ ...picture, label })), faults };
}

/**
 * Reads a table with a row `file,class` per picture. Files are relative to `root`, or by default to the table's
 * folder. A first row `file,class` is a header. Names may be quoted as in spreadsheets.
 * @throws PixtapeError naming the table's line, if a row is malformed, or a file does not exist or comes twice; and if
 *   there are fewer than two classes
 */
export async function readClassTable(table: string, root: string | undefined): Promise<ClassPictures> {
  const text = await readTable(table);
  const home = root ?? dirname(table);
  const { pictures, faults } = await findAllPictures(home);
  const known = new Map(pictures.map((picture) => [picture.path, picture]));
  const unusable = new Map(faults.map((fault) => [fault.path, fault]));
  const rows = new Map<string, { picture: PictureFile; className: string }>();
  const bad: BadFile[] = [];
  for (const [i, { fields, line }] of parseTable(text, table).entries()) {
    const [name, className, ...more] = fields;
    if (i === 0 && /^(file|filename|path|image)$/i.test(name ?? '')) continue;
    const fault = (what: string, hint: string) => new PixtapeError(`${table}, line ${line}: ${what}`, hint);
    if (!name || !className || more.length > 0) {
      throw fault(`"${fields.join().slice(0, 60)}" is not file,class`, 'Write one file and one class in a line.');
    }
    const path = isAbsolute(name) ? normalize(name) : join(home, name);
    const picture = known.get(path);
    const unreadable = unusable.get(path);
    if (unreadable) bad.push(unreadable);
    else if (!picture) throw fault(`there is no picture ${path}`, `Files are looked for in ${home}.`);
    else if (rows.has(path)) throw fault(`${name} comes a second time`, 'A picture has one class.');
    else rows.set(path, { picture, className });
  }
  const classes = [...new Set([...rows.values()].map((row) => row.className))].sort(byName);
  checkClasses(classes, table, 'Name at least two classes in it.');
  const files = [...rows.values()].map(({ picture, className }) => ({ ...picture, label: classes.indexOf(className) }));
  return { files: files.sort((a, b) => byName(a.path, b.path)), classes, faults: bad };
}

async function readTable(table: string): Promise<string> {
  try {
    return await readFile(table, 'utf8');
  } catch (cause) {
    const folder = (cause as NodeJS.ErrnoException).code === 'EISDIR';
    throw new PixtapeError(
      folder ? `--classes ${table}: that is a folder, not a table` : `--classes ${table}: the table cannot be read`,
      folder ? 'Name the folder of pictures first: pixtape gan DIR --classes' : 'Check the path.',
      { cause },
    );
  }
}

interface TableRow {
  fields: string[];
  /** The line of the table in which the row ends. */
  line: number;
}

/** Parses a table as spreadsheets write it, with commas or semicolons. */
function parseTable(text: string, table: string): TableRow[] {
  const rows: TableRow[] = [];
  try {
    parse(text, {
      bom: true,
      delimiter: [',', ';'],
      record_delimiter: ['\r\n', '\n', '\r'],
      skip_empty_lines: true,
      trim: true,
      relax_column_count: true,
      on_record: (fields: string[], { lines }) => {
        rows.push({ fields, line: lines });
        return null;
      },
    });
    return rows;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new PixtapeError(`${table}: ${cause.message}`, 'Write one file and one class in a line.', { cause });
  }
}

function checkClasses(classes: readonly string[], where: string, hint: string): void {
  if (classes.length >= 2) return;
  const found = classes.length === 0 ? 'no class' : `only one class, "${classes[0]}"`;
  throw new PixtapeError(`${where} has ${found}: a class-conditional GAN needs at least two`, hint);
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
