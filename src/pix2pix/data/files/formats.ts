import { PixtapeError } from '../../../engine/util/errors.ts';

/** Extensions of picture files. */
export const READABLE = new Set(
  'jpg jpeg jpe jfif png webp gif tif tiff avif svg bmp dib npy ppm pgm pbm pnm'.split(' ').map((e) => `.${e}`),
);
/** Extensions of pictures in unsupported formats. */
export const UNREADABLE = new Set(
  'heic heif jp2 j2k jxl psd tga pcx exr hdr xcf dng cr2 nef arw'.split(' ').map((e) => `.${e}`),
);

/** A file that cannot be used. `reason` does not name it; `advice` says what to do. */
export class BadFile extends PixtapeError {
  readonly path: string;
  readonly reason: string;
  readonly advice: string;

  constructor(path: string, reason: string, advice: string, options?: ErrorOptions) {
    super(`${path} ${reason}`, advice, options);
    this.path = path;
    this.reason = reason;
    this.advice = advice;
  }
}

/**
 * The same error with the advice for a file among many.
 * @param others bad files beside this one
 * @param more further advice
 */
export function withSkipHint(error: BadFile, others = 0, more = ''): PixtapeError {
  const beside = others > 0 ? ` (and ${others} more ${others === 1 ? 'file is' : 'files are'} bad)` : '';
  const advice = `${error.advice} Or go on without such files: --skip_bad${more}`;
  return new PixtapeError(`${error.path} ${error.reason}${beside}`, advice, { cause: error });
}

/** Further advice for pairs. */
export const CHECK_PAIRS = '. All of them: pixtape data check DIR';

/** Files that systems add: hidden files, macOS's archive entries, those of network disks, trash folders. */
export const isHidden = (name: string): boolean =>
  /^(\..*|__MACOSX|@eaDir|\$RECYCLE\.BIN|System Volume Information|lost\+found)$/i.test(name);

/** A file's name without its extension, and the extension with its dot; `.hidden` has none. */
export function splitName(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? { stem: name, extension: '' } : { stem: name.slice(0, dot), extension: name.slice(dot) };
}
