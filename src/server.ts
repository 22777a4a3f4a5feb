// One environment's server: pages and API, and beside them recovery and jobs; drains on SIGTERM.
import { createApp } from './app.ts';
import { rung } from './environments/ladder.ts';
import { onStop, run, startWith } from './running.ts';

await startWith(async (settings) => {
  const { here, redis, stop } = await run(settings, settings);
  const server = createApp(here, redis).listen(settings.port, settings.host, (error) => {
    if (error) {
      here.log.error({ err: error }, `port ${settings.port} cannot be used`);
      process.exit(1);
    }
    here.log.info(`${rung(here.name).label} listens on http://${settings.host}:${settings.port}`);
  });
  onStop(() => {
    here.log.info('draining');
    // Requests under way finish, transfers among them; idle connections do not hold it up.
    server.close(() => void stop().then(() => process.exit(0)));
    server.closeIdleConnections();
  });
});
