import { filesOf, type PlacedFile } from './dropped.ts';

/**
 * Makes the whole page a place to drop files on; while something hovers over it the page says so.
 * @param onFail hears why what was dropped cannot be read
 */
export function acceptDrops(onFiles: (files: PlacedFile[]) => void, onFail: (error: unknown) => void): void {
  const { body } = document;
  let inside = 0;
  const hover = (change: number) => {
    inside += change;
    body.classList.toggle('dropping', inside > 0);
  };
  addEventListener('dragenter', (event) => {
    event.preventDefault();
    hover(1);
  });
  addEventListener('dragleave', () => hover(-1));
  // Without this the browser opens the file in the page's place.
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    hover(-inside);
    if (event.dataTransfer) filesOf(event.dataTransfer).then(onFiles, onFail);
  });
}
