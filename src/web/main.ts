/** The page: checks for WebGPU, and connects the two views with the tabs and with dropped files. */
import './page/language.ts';
import EXAMPLES from './assets/examples.json';
import { element } from './page/dom.ts';
import { acceptDrops } from './page/drop.ts';
import { adviseBrowser } from './page/missing.ts';
import { Tabs } from './page/tabs.ts';
import { PaintView } from './paint/view.ts';
import { findAdapter } from './shared/device.ts';
import { explain } from './shared/words.ts';
import { TrainView } from './train/view/view.ts';

async function main(): Promise<void> {
  const adapter = await findAdapter().catch(() => undefined);
  if (!adapter) return showAdvice();
  let current = 'paint';
  element('views').hidden = false;
  const paint = new PaintView(EXAMPLES);
  const train = new TrainView((generator) => {
    tabs.choose('paint');
    void paint.load(generator, 'the run in the Train tab');
  });
  const tabs = new Tabs(element('tabs'), (name) => {
    current = name;
  });
  const view = () => (current === 'paint' ? paint : train);
  acceptDrops(
    (files) => void view().take(files),
    (error) => view().warn(explain(error)),
  );
  await paint.open();
}

function showAdvice(): void {
  const { title, steps } = adviseBrowser(navigator.userAgent, navigator.gpu !== undefined, isSecureContext);
  element('advice-title').textContent = title;
  element('advice-steps').append(
    ...steps.map((step) => {
      const item = document.createElement('li');
      step.split('`').forEach((part, i) => {
        const piece = document.createElement(i % 2 === 1 ? 'code' : 'span');
        piece.textContent = part;
        item.append(piece);
      });
      return item;
    }),
  );
  element('advice').hidden = false;
  element('tabs').hidden = true;
}

void main();
