/** Runs in Node: whom the page's server answers, and what a page of its may do. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** On every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

/**
 * Whether a request is for this server by its own address, and not sent by another site: a name that leads to 127.0.0.1
 * (DNS rebinding) and a page elsewhere are refused. A person who follows a link comes from elsewhere, too, and is let in.
 */
export function isOurs({ headers }: IncomingMessage): boolean {
  // Any port: a tunnel from another machine has one of its own.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/i.test(headers.host ?? '')) return false;
  const site = headers['sec-fetch-site'];
  return site !== 'cross-site' || headers['sec-fetch-mode'] === 'navigate';
}

/**
 * The content security policy of a page: everything comes from this server, pictures also from the page itself. Scripts
 * within the page are named by their hashes. Styles may stand anywhere: people's SVGs are full of them, and parsing one
 * under a stricter policy is reported as a violation for each.
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
