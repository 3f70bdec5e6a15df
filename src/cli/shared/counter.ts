import { isTerminal } from '../../files/lock/process.ts';

/** Returns a progress callback that redraws one line on a terminal, and prints nothing elsewhere. */
export function counter(line: (done: number, total: number) => string): (done: number, total: number) => void {
  return (done, total) => {
    if (!isTerminal(process.stdout)) return;
    // A line that wraps would be drawn below itself.
    const text = line(done, total).slice(0, (process.stdout.columns || 80) - 1);
    process.stdout.write(done < total ? `\r${text}` : '\r\x1b[K');
  };
}
