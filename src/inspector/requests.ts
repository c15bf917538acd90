import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Why a request is refused. */
export interface Refusal {
  readonly status: 403 | 404 | 405;
  readonly reason: string;
}

/**
 * The path of a request below the token, or why it is refused. Other pages of the same browser can send requests to this
 * machine, under their own name (DNS rebinding) or from their own origin. They know neither the token nor the port.
 */
export function pathOf(request: IncomingMessage, port: number, token: string): string | Refusal {
  const { method, headers, url = '/' } = request;
  if (method !== 'GET') return { status: 405, reason: 'only GET is served' };
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!hosts.includes(headers.host ?? '')) return { status: 403, reason: 'wrong Host' };
  if (headers.origin !== undefined && !hosts.some((host) => headers.origin === `http://${host}`)) {
    return { status: 403, reason: 'wrong Origin' };
  }
  const [, first = '', ...rest] = url.split('?', 1)[0]?.split('/') ?? [];
  if (!isSame(first, token) || rest.length === 0)
    return { status: 404, reason: 'wrong address: the token is missing or old' };
  return rest.join('/');
}

/** Compares in a time that tells nothing. */
function isSame(text: string, expected: string): boolean {
  const [a, b] = [Buffer.from(text), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
