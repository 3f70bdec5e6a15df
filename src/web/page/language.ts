/**
 * Under the POSIX locale, Chromium reports its language as "en-US@posix", which its own Intl rejects. uPlot asks for
 * it on loading, so import this first.
 */
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US' });
}
