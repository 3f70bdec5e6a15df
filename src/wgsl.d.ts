/** A shader's text, as it stands in the file. */
declare module '*.wgsl' {
  const text: string;
  export default text;
}

/** Any file's text: `import page from './page.html?raw'`. */
declare module '*?raw' {
  const text: string;
  export default text;
}

/** A style sheet's text. */
declare module '*.css' {
  const text: string;
  export default text;
}
