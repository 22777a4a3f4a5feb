// Starts the server of one environment, with its pages, API, recovery and jobs. On SIGTERM the server finishes the
// running requests and jobs, and then ends.
import { createApp } from './app.ts';
import { rulesOf } from './environments/rules.ts';
import { openServer } from './web/connections.ts';
import { onStop, run, startWith } from './running.ts';

/**
 * How many milliseconds running requests may take at shutdown. If a request is cut off during a
 * write, recovery continues the write.
 */
const DRAIN_MS = 60_000;

await startWith(async (settings) => {
  const { here, redis, line, stop } = await run(settings, settings);
  const server = openServer(createApp(here, redis, line));
  server.once('error', (error) => {
    here.log.error({ err: error }, `port ${settings.port} cannot be used`);
    process.exit(1);
  });
  server.listen(settings.port, settings.host, () => {
    here.log.info(
      `${rulesOf(here.name).label} listens on http://${settings.host}:${settings.port}`,
    );
  });
  onStop(() => {
    here.log.info('draining');
    here.halt.abort();
    // `server.close()` lets running requests finish, and closes each open connection after its next
    // answer.
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    setInterval(() => server.closeIdleConnections(), 500).unref();
    setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref();
    closed.then(stop).then(
      () => process.exit(0),
      (error: unknown) => {
        here.log.error({ err: error }, 'it did not stop in order');
        process.exit(1);
      },
    );
  });
});
