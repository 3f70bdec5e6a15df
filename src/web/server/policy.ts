/** Runs in Node: which requests the page's server answers, and what its pages may do. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Headers of every response. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

/**
 * Whether a request addresses this server by its own address, and does not come from another site. Refuses names that
 * resolve to 127.0.0.1 (DNS rebinding) and requests by other pages, but lets a person follow a link from elsewhere.
 */
export function isOurs({ headers }: IncomingMessage): boolean {
  // Accept any port: a tunnel from another machine has its own.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/i.test(headers.host ?? '')) return false;
  const site = headers['sec-fetch-site'];
  return site !== 'cross-site' || headers['sec-fetch-mode'] === 'navigate';
}

/**
 * The content security policy of a page: everything comes from this server, pictures also from the page itself. Inline
 * scripts are allowed by their hashes. Inline styles are allowed, because users' SVGs are full of them, and under a
 * stricter policy the browser reports each as a violation.
 */
export function contentPolicy(page: string): string {
  const inline = [...page.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(([, text = '']) => {
    return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  });
  return [
    "default-src 'none'",
    ["script-src 'self'", ...inline].join(' '),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' blob: data:",
    "connect-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
