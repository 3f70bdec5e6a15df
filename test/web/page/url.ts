/** Replaces node:url: a file's URL leads to a fixture, which is served next to the page by its name. */
export const fileURLToPath = (url: URL): string => url.pathname.split('/').at(-1) ?? '';
