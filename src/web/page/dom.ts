/** Finds the element of this id and kind. @throws Error if the page has none */
export function byId<T extends HTMLElement>(id: string, kind: { new (): T }): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return element;
}

export const button = (id: string) => byId(id, HTMLButtonElement);
export const canvas = (id: string) => byId(id, HTMLCanvasElement);
export const element = (id: string) => byId(id, HTMLElement);
export const input = (id: string) => byId(id, HTMLInputElement);
export const select = (id: string) => byId(id, HTMLSelectElement);

/** Disables a button without taking away its focus, as `disabled` would. Its handler must check. */
export function allow(target: HTMLButtonElement, may: boolean): void {
  target.ariaDisabled = String(!may);
}

/** A status line that is also read out by screen readers. */
export class Status {
  private readonly line: HTMLElement;

  constructor(line: HTMLElement) {
    this.line = line;
  }

  say(text: string): void {
    this.show(text, 'quiet');
  }

  warn(text: string): void {
    this.show(text, 'error');
  }

  private show(text: string, kind: string): void {
    // Setting the same text again would not be read out, but would cost a layout.
    if (this.line.textContent === text && this.line.dataset.kind === kind) return;
    this.line.dataset.kind = kind;
    this.line.textContent = text;
  }
}

/** Offers a file for download. */
export function download(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Asks for files with the browser's own dialog. */
export function askForFiles({ accept = '', folder = false } = {}): Promise<File[]> {
  const field = document.createElement('input');
  field.type = 'file';
  field.accept = accept;
  field.webkitdirectory = folder;
  return new Promise((resolve) => {
    field.addEventListener('change', () => resolve([...(field.files ?? [])]));
    field.addEventListener('cancel', () => resolve([]));
    field.click();
  });
}

export function makeWorker(name: string): Worker {
  return new Worker(`${name}.js`, { name });
}
