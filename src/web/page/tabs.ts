/** Tabs after the ARIA Authoring Practices: arrow keys move between them, and the URL's hash names the selected one. */
export class Tabs {
  private readonly tabs: HTMLElement[];
  private readonly onChange: (name: string) => void;

  constructor(list: HTMLElement, onChange: (name: string) => void) {
    this.tabs = [...list.querySelectorAll<HTMLElement>('[role=tab]')];
    this.onChange = onChange;
    for (const tab of this.tabs) tab.addEventListener('click', () => this.choose(nameOf(tab)));
    list.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const at = this.tabs.findIndex((tab) => tab.ariaSelected === 'true');
      const next = this.tabs.at((at + step) % this.tabs.length);
      if (next) this.choose(nameOf(next));
      next?.focus();
    });
    addEventListener('hashchange', () => this.fromAddress());
    this.fromAddress();
  }

  choose(name: string): void {
    for (const tab of this.tabs) {
      const chosen = nameOf(tab) === name;
      tab.ariaSelected = String(chosen);
      tab.tabIndex = chosen ? 0 : -1;
      const panel = document.getElementById(nameOf(tab));
      if (panel) panel.hidden = !chosen;
    }
    history.replaceState(null, '', `#${name}`);
    this.onChange(name);
  }

  private fromAddress(): void {
    const asked = this.tabs.find((tab) => nameOf(tab) === location.hash.slice(1)) ?? this.tabs[0];
    if (asked) this.choose(nameOf(asked));
  }
}

/** A tab is named after the id of its panel. */
const nameOf = (tab: HTMLElement): string => tab.getAttribute('aria-controls') ?? '';
