/** Stands in for node:url: a file's URL leads to a fixture, and those are served beside the page by their names. */
export const fileURLToPath = (url: URL): string => url.pathname.split('/').at(-1) ?? '';
