// A server that receives webhooks, stores the requests, and answers as the test chooses.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Receiver = {
  url: string;
  received: { headers: IncomingHttpHeaders; body: string }[];
  /**
   * The status codes of the next answers; 0 breaks the connection. Empty: the server answers 204.
   */
  answers: number[];
  close(): void;
};

export async function openReceiver(): Promise<Receiver> {
  const received: Receiver['received'] = [];
  const answers: number[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.on('data', (part) => (body += String(part)));
    req.on('end', () => {
      const status = answers.shift() ?? 204;
      received.push({ headers: req.headers, body });
      if (status === 0) req.socket.destroy();
      else res.writeHead(status).end(status === 500 ? 'out of memory' : undefined);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/oneway`,
    received,
    answers,
    close: () => server.close(),
  };
}
