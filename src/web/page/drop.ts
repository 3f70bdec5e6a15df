import { filesOf, type PlacedFile } from './dropped.ts';

/**
 * Accepts dropped files on the whole page, and shows it while something is dragged over it.
 * @param onFail called if the dropped files cannot be read
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
  // Otherwise the browser would open the file instead of the page.
  addEventListener('dragover', (event) => event.preventDefault());
  addEventListener('drop', (event) => {
    event.preventDefault();
    hover(-inside);
    if (event.dataTransfer) filesOf(event.dataTransfer).then(onFiles, onFail);
  });
}
