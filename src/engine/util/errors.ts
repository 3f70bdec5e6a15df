export interface ErrorInfo extends ErrorOptions {
  /** A stable name for programs to test for, such as `out-of-memory`. By default `invalid`. */
  code?: ErrorCode;
  /** What the message is about, as values: shapes, sizes, names. */
  details?: Readonly<Record<string, unknown>>;
}

/**
 * What kind of mistake or accident an error is. The command line and the page word their own advice by it, since the
 * engine knows neither flags nor forms.
 */
export type ErrorCode =
  /** A value, shape, name or file that cannot be used. */
  | 'invalid'
  /** More memory than the device has, or than one buffer or binding may hold. */
  | 'out-of-memory'
  /** The device is gone. */
  | 'device-lost'
  /** Something that this device or driver cannot do. */
  | 'unsupported'
  /** A call that came too early, too late, or in the wrong place. */
  | 'misuse'
  /** The operating system refused to read or write: a full or read-only disk, no permission, a broken one. */
  | 'disk'
  /** Another process is writing where this one wants to. */
  | 'in-use'
  /** A fault of the engine itself. */
  | 'internal';

/** An error that a user can cause and can mend: says what was wrong and where; `hint` says what to do next. */
export class PixtapeError extends Error {
  override readonly name = 'PixtapeError';
  readonly hint: string | undefined;
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, hint?: string, { code = 'invalid', details = {}, ...options }: ErrorInfo = {}) {
    super(hint ? `${message}\n  → ${hint}` : message, options);
    this.hint = hint;
    this.code = code;
    this.details = details;
  }
}
