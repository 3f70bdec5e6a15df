/** ASCII replacements of our signs, of the same width where columns or a bar depend on it. */
const ASCII: Readonly<Record<string, string>> = {
  '×': 'x',
  '·': '-',
  '–': '-',
  '−': '-',
  '│': '|',
  '█': '#',
  '░': '.',
  '…': '...',
  '→': '->',
  '²': '^2',
  '’': "'",
  '∞': 'inf',
  '≥': '>=',
  '≤': '<=',
  λ: 'lambda',
  µ: 'u',
};
const SIGNS = new RegExp(`[${Object.keys(ASCII).join('')}]`, 'g');

/** Whether the locale asks for an encoding without these signs. A container without any locale has a UTF-8 terminal. */
export function lacksSigns(env: NodeJS.ProcessEnv): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale !== '' && !/utf-?8/i.test(locale);
}

export const inAscii = (text: string): string => text.replace(SIGNS, (sign) => ASCII[sign] as string);

/** Writes our signs as ASCII from here on, if the locale lacks them. Other output is unchanged. */
export function heedEncoding(env: NodeJS.ProcessEnv = process.env): void {
  if (process.platform === 'win32' || !lacksSigns(env)) return;
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (chunk: unknown, ...more: unknown[]) => boolean;
    stream.write = ((chunk: unknown, ...more: unknown[]) =>
      write(typeof chunk === 'string' ? inAscii(chunk) : chunk, ...more)) as typeof stream.write;
  }
}
