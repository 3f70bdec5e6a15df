/** Returns a progress callback that redraws one line on a terminal, and prints nothing elsewhere. */
export function counter(line: (done: number, total: number) => string): (done: number, total: number) => void {
  return (done, total) => {
    if (!process.stdout.isTTY) return;
    process.stdout.write(done < total ? `\r${line(done, total)}` : '\r\x1b[K');
  };
}
