// Timeouts of the HTTP server for clients that send slowly or never finish.
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';

const usual = { headersMs: 20_000, requestMs: 60_000, checkEveryMs: 5000, connections: 2000 };

const deadlines = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/**
 * Opens the HTTP server. Requests must arrive within the limits; answers, including event streams, may take longer.
 */
export function openServer(app: RequestListener, limits: typeof usual = usual): Server {
  const server = createServer({
    headersTimeout: limits.headersMs,
    // Node's own limit cannot be lifted for one request, as uploads need it.
    requestTimeout: 0,
    connectionsCheckingInterval: limits.checkEveryMs,
  });
  server.on('request', (req, res) => {
    const end = () => {
      if (req.complete) return;
      // A request whose answer was sent early is only cut off.
      if (!res.headersSent) req.socket.write(TIMED_OUT);
      req.socket.destroy();
    };
    const timer = setTimeout(end, limits.requestMs);
    deadlines.set(req, timer);
    req.once('end', () => clearTimeout(timer));
    req.once('close', () => clearTimeout(timer));
    app(req, res);
  });
  server.maxConnections = limits.connections;
  return server;
}

const TIMED_OUT = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';

/** Lets a request take as long as its bytes keep coming; its reader ends it when they stop. */
export const liftDeadline = (req: IncomingMessage) => clearTimeout(deadlines.get(req));
