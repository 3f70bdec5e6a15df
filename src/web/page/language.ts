/**
 * Chromium started under the POSIX locale calls its language "en-US@posix", which its own Intl refuses, and uPlot asks it
 * when it is loaded. To be imported before it.
 */
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US' });
}
