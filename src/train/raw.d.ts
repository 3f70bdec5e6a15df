/** Text files that are put into the bundle as they are. */
declare module '*?raw' {
  const text: string;
  export default text;
}
