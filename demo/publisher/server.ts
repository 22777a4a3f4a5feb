// An invented publisher, the Office for City Statistics: a small HTTP server with data files and three kinds of index,
// and with faults on demand. The demo runs it in its own process, the tests run it in theirs.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { publishedFiles, type Published } from './data.ts';
import { faultNames, faults, type Fault, type FaultName } from './faults.ts';
import { ckanAnswer, homePage, htmlIndex, jsonIndex } from './indexes.ts';

export type Publisher = {
  url: string;
  files: Published;
  /** The faults that are switched on, each by the URL path of a data file or of an index. */
  faults: Map<string, Fault>;
  /** Every request that the publisher’s server has received so far. */
  requests: { method: string; path: string; headers: IncomingMessage['headers'] }[];
  close(): Promise<void>;
};

export const etagOf = (content: Buffer) =>
  createHash('sha256').update(content).digest('hex').slice(0, 20);

/** Starts the publisher’s server on the given port, by default on a free port. */
export async function startPublisher({
  port = 0,
  files = publishedFiles(),
} = {}): Promise<Publisher> {
  const publisher: Publisher = {
    url: '',
    files,
    faults: new Map(),
    requests: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer((req, res) => {
    answer(publisher, req, res);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  publisher.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return publisher;
}

function answer(publisher: Publisher, req: IncomingMessage, res: ServerResponse) {
  // The host name of the request is used, so that absolute URLs in an index lead to the same host.
  const url = new URL(req.url ?? '/', `http://${req.headers.host ?? new URL(publisher.url).host}`);
  const path = safelyDecoded(url.pathname);
  const { method = 'GET', headers } = req;
  publisher.requests.push({ method, path, headers });
  if (method === 'POST') return change(publisher, url, res);
  const content = contentAt(publisher, path, url);
  if (!content) return res.writeHead(404).end('Not found\n');
  const fault = takeFault(publisher, path);
  if (fault) return void faults[fault.name](res, content.body, fault);
  res.writeHead(200, {
    'Content-Type': content.type,
    'Content-Length': content.body.length,
    ETag: `"${etagOf(content.body)}"`,
  });
  return method === 'HEAD' ? res.end() : res.end(content.body);
}

const safelyDecoded = (path: string) => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

function takeFault({ faults: all }: Publisher, path: string): Fault | null {
  const fault = all.get(path);
  if (!fault) return null;
  if (fault.times !== undefined) {
    fault.times -= 1;
    if (fault.times <= 0) all.delete(path);
  }
  return fault;
}

type Content = { type: string; body: Buffer };

function contentAt({ files }: Publisher, path: string, url: URL): Content | null {
  const file = files.get(path);
  if (file) return { type: 'text/csv', body: file.content };
  const html = (page: string) => ({ type: 'text/html; charset=utf-8', body: Buffer.from(page) });
  const json = (data: unknown) => ({
    type: 'application/json',
    body: Buffer.from(JSON.stringify(data)),
  });
  switch (path) {
    case '/':
      return html(homePage(files));
    case '/cities.json':
      return json(jsonIndex(files));
    case '/rainfall/':
      return html(htmlIndex(files));
    case '/api/3/action/package_show': {
      const found = ckanAnswer(files, url.searchParams.get('id') ?? '', url.origin);
      return found && json(found);
    }
    default:
      return null;
  }
}

/**
 * Handles the requests with which the demo and the tests control the publisher’s server. `POST
 * /faults?path=…&name=cut&times=1` switches on a fault, and without a name switches it off. `POST /mending?path=…`
 * corrects a file.
 */
function change({ files, faults: all }: Publisher, url: URL, res: ServerResponse) {
  const { searchParams: query } = url;
  const path = query.get('path') ?? '';
  const name = query.get('name') ?? '';
  const file = files.get(path);
  if (url.pathname === '/mending' && file) {
    files.set(path, { content: file.mended ?? file.content });
  } else if (url.pathname === '/faults' && name === '') {
    all.delete(path);
  } else if (url.pathname === '/faults' && faultNames.includes(name as FaultName)) {
    const times = Number(query.get('times') ?? '0');
    const to = query.get('to');
    all.set(path, {
      name: name as FaultName,
      ...(times > 0 && { times }),
      ...(to !== null && { to }),
    });
  } else {
    return res.writeHead(404).end('Not found\n');
  }
  return res.writeHead(303, { Location: '/' }).end();
}
