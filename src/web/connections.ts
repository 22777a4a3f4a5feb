// Timeouts of the HTTP server for clients that send slowly or never finish.
import { createServer, type RequestListener, type Server } from 'node:http';

const usual = { headersMs: 20_000, requestMs: 60_000, checkEveryMs: 5000, connections: 2000 };

/**
 * Opens the HTTP server. Requests must arrive within the limits; answers, including event streams, may take longer.
 */
export function openServer(app: RequestListener, limits: typeof usual = usual): Server {
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkEveryMs,
    },
    app,
  );
  server.maxConnections = limits.connections;
  return server;
}
