/** A drawing to start with, which the network has never seen. */
export interface Example {
  /** File name in examples/ without its extension: OpenMoji's code. */
  hexcode: string;
  /** What it shows. */
  name: string;
}

/** Shows a row of buttons; `onChoose` is called once a picture has loaded. */
export function showExamples(
  row: HTMLElement,
  examples: readonly Example[],
  onChoose: (picture: HTMLImageElement) => void,
): void {
  for (const { hexcode, name } of examples) {
    const picture = new Image(72, 72);
    picture.src = `examples/${hexcode}.svg`;
    picture.alt = name;
    const choice = document.createElement('button');
    choice.type = 'button';
    choice.className = 'example';
    choice.title = name;
    choice.append(picture);
    choice.addEventListener('click', async () => {
      await picture.decode();
      onChoose(picture);
    });
    row.append(choice);
  }
}
