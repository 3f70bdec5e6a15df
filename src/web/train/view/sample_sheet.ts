import type { Samples } from '../types.ts';

const PARTS = ['condition', 'output', 'real'] as const;
const TITLES = { condition: 'drawn from', output: 'painted', real: 'meant' };

/** Held-out pictures in rows of three: condition, output, real picture. */
export class SampleSheet {
  private readonly box: HTMLElement;
  private shape = '';

  constructor(box: HTMLElement) {
    this.box = box;
  }

  show(samples: Samples): void {
    const { width, height, pictures, step } = samples;
    const shape = `${width} ${height} ${pictures.map(({ name }) => name).join('\n')}`;
    if (shape !== this.shape) this.build(samples);
    this.shape = shape;
    const canvases = [...this.box.querySelectorAll('canvas')];
    pictures.forEach((picture, row) => {
      PARTS.forEach((part, column) => {
        const context = canvases[row * PARTS.length + column]?.getContext('2d');
        context?.putImageData(new ImageData(picture[part], width, height), 0, 0);
      });
    });
    this.box.dataset.step = String(step);
  }

  clear(): void {
    this.box.replaceChildren();
    delete this.box.dataset.step;
    this.shape = '';
  }

  private build({ width, height, pictures }: Samples): void {
    const rows = pictures.map(({ name }) => {
      const row = document.createElement('figure');
      for (const part of PARTS) {
        const canvas = document.createElement('canvas');
        Object.assign(canvas, { width, height, role: 'img', ariaLabel: `${name}, ${TITLES[part]}` });
        canvas.title = TITLES[part];
        row.append(canvas);
      }
      const caption = document.createElement('figcaption');
      caption.textContent = name;
      row.append(caption);
      return row;
    });
    this.box.replaceChildren(...rows);
  }
}
