/** A drawing that the network has never seen, to begin with. */
export interface Example {
  /** The file in examples/, without its extension: OpenMoji's code. */
  hexcode: string;
  /** What it shows. */
  name: string;
}

/** A row of buttons; `onChoose` hears of a picture once it is there. */
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
