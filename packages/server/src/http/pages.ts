/** Serves the files of a folder that was read once; they are few and small. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative } from 'node:path';
import type { Pages } from './exchange.ts';

interface Page {
  readonly body: Buffer;
  readonly type: string;
  readonly tag: string;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.map': 'application/json',
  '.webmanifest': 'application/manifest+json',
};

/** Nothing from elsewhere, no code in the text of a page. */
const policy =
  "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/** `folder` may be missing: then every page is answered with how to make them. */
export function servePages(folder: string): Pages {
  const pages = readPages(folder);
  return (path, req, res) => {
    const page = pages.get(path) ?? pages.get(join(path, 'index.html'));
    if (page !== undefined && !path.endsWith('/') && !pages.has(path)) {
      res.writeHead(308, { Location: `${path}/` }).end();
      return true;
    }
    if (page !== undefined) {
      sendPage(page, req, res);
      return true;
    }
    if (pages.size > 0) return false;
    const text = 'The pages are not built yet: run "npm run prepare" in the clone, then reload.\n';
    res.writeHead(503, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text);
    return true;
  };
}

function sendPage({ body, type, tag }: Page, req: IncomingMessage, res: ServerResponse): void {
  const headers = { ETag: tag, 'Cache-Control': 'no-cache', 'Content-Security-Policy': policy };
  if (req.headers['if-none-match'] === tag) res.writeHead(304, headers).end();
  else {
    res.writeHead(200, { ...headers, 'Content-Type': type, 'Content-Length': body.length });
    res.end(req.method === 'HEAD' ? undefined : body);
  }
}

function readPages(folder: string): ReadonlyMap<string, Page> {
  const pages = new Map<string, Page>();
  for (const entry of listFiles(folder)) {
    const body = readFileSync(entry);
    const type = types[extname(entry)] ?? 'application/octet-stream';
    const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    pages.set(`/${relative(folder, entry).replaceAll('\\', '/')}`, { body, type, tag });
  }
  return pages;
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}
