/** A line that is drawn over again while something is counted; nothing where the output is not a terminal. */
export function counter(line: (done: number, total: number) => string): (done: number, total: number) => void {
  return (done, total) => {
    if (!process.stdout.isTTY) return;
    process.stdout.write(done < total ? `\r${line(done, total)}` : '\r\x1b[K');
  };
}
