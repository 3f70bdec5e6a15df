/**
 * A script for a page to run before all else. The page then believes that the networks which come with it answer within so
 * many milliseconds, whatever machine this is. That decides which of them paints.
 */
export function timeNetworks(byWidth) {
  return `(${listen})(${JSON.stringify(byWidth)})`;
}

function listen(byWidth) {
  globalThis.Worker = class extends Worker {
    constructor(url, options) {
      super(url, options);
      // Before the page's own listener, which is given the same object.
      this.addEventListener('message', ({ data: { value } }) => {
        if (value?.milliseconds !== undefined) value.milliseconds = byWidth[value.width];
      });
    }
  };
}
