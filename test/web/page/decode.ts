/** The page's decoders and its reader of dropped files, for a test to call. */
import { filesOf } from '../../../src/web/page/dropped.ts';

import { DroppedTree } from '../../../src/web/train/sources/file_tree.ts';
import { browserHost } from '../../../src/web/train/sources/pictures.ts';

const decodeInPage = async (name: string, content: string) => {
  const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
  const tree = new DroppedTree(new Map([[`set/${name}`, new Blob([bytes])]]));
  const host = browserHost(tree, () => Promise.reject(new Error('no drawings here')));
  try {
    const { width, height, data } = await host.decode(`set/${name}`);
    const size = await host.inspect(`set/${name}`);
    return { width, height, wide: data instanceof Uint16Array, data: [...data], size };
  } catch (error) {
    return { refused: (error as Error).message };
  }
};
/** The dropped files, by path. */
const dropped = new Promise<string[]>((found) => {
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    filesOf(event.dataTransfer as DataTransfer).then((files) => found(files.map(({ path }) => path).sort()));
  });
});
Object.assign(globalThis, { decodeInPage, dropped });
