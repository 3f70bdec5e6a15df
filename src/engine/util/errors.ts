/** An error that a user can cause and can mend: says what was wrong and where; `hint` says what to do next. */
export class PixtapeError extends Error {
  override readonly name = 'PixtapeError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string, options?: ErrorOptions) {
    super(hint ? `${message}\n  → ${hint}` : message, options);
    this.hint = hint;
  }
}
