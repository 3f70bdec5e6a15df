export interface Served {
  /** With a slash at its end. */
  url: string;
  close(): Promise<void>;
}

export function serve(options: { folder: string; port?: number }): Promise<Served>;
