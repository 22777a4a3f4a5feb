// Opens the HTTP server with time limits, so that clients that send slowly or never finish do not hold connections
// open.
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';

const usual = { headersMs: 20_000, requestMs: 60_000, checkEveryMs: 5000, connections: 2000 };

const deadlines = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/**
 * Opens the HTTP server. A request must arrive within the time limits. A response may take longer,
 * because event streams stay open.
 */
export function openServer(app: RequestListener, limits: typeof usual = usual): Server {
  const server = createServer({
    headersTimeout: limits.headersMs,
    // Node’s own time limit is not used, because it cannot be switched off for a single request, such as a long upload.
    requestTimeout: 0,
    connectionsCheckingInterval: limits.checkEveryMs,
  });
  server.on('request', (req, res) => {
    const end = () => {
      if (req.complete) return;
      // If the response has already begun, no second one may follow, so the connection is only
      // closed.
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

/**
 * Removes the time limit of a request, so that an upload may take as long as its bytes keep coming. The code that reads
 * the upload must end the request when no more bytes come.
 */
export const liftDeadline = (req: IncomingMessage) => clearTimeout(deadlines.get(req));
