export interface ErrorInfo extends ErrorOptions {
  /** A stable name for programs to test for, such as `out-of-memory`. By default `invalid`. */
  code?: ErrorCode;
  /** The values that the message is about: shapes, sizes, names. */
  details?: Readonly<Record<string, unknown>>;
}

/**
 * The kind of an error. The command line and the page choose their own advice by it, because the engine knows neither
 * flags nor forms.
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
  /** The operating system refused to read or write: a full or read-only disk, a missing permission, a broken disk. */
  | 'disk'
  /** Another process is writing to the same place. */
  | 'in-use'
  /** A bug in the engine. */
  | 'internal';

/**
 * An error that a user can cause and can correct. The message says what was wrong and where; `hint` says what to do
 * next.
 */
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
