// One environment's server: read settings, open connections, recover, listen, drain on SIGTERM.
import { createApp } from './app.ts';
import { openHere, openRedis } from './environments/here.ts';
import { rung } from './environments/ladder.ts';
import { work } from './jobs/queue.ts';
import { keepRecovering } from './journal/recovery.ts';
import { inWords } from './version/standing.ts';
import { BadSettings, parseSettings } from './settings.ts';
import { chores, tasks } from './tasks.ts';

try {
  await serve();
} catch (error) {
  if (!(error instanceof BadSettings)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function serve() {
  const settings = parseSettings(process.env);
  const here = openHere(settings);
  const standing = await here.standing().catch(() => null);
  if (standing && standing.kind !== 'open') here.log.warn(inWords(standing));
  const redis = await openRedis(here);
  const stopRecovering = keepRecovering(
    { here, there: here.destination, lease: settings.lease.milliseconds, log: here.log },
    settings.lease.recoverEvery,
  );
  const stopWorking = await work(here, redis, tasks, chores);
  const server = createApp(here, redis).listen(settings.port, settings.host, (error) => {
    if (error) {
      here.log.error({ err: error }, `port ${settings.port} cannot be used`);
      process.exit(1);
    }
    here.log.info(`${rung(here.name).label} listens on http://${settings.host}:${settings.port}`);
  });
  const drain = () => {
    here.log.info('draining');
    // Requests under way finish, transfers among them; idle connections do not hold it up.
    server.close(() => {
      void Promise.all([stopRecovering(), stopWorking()])
        .then(() => Promise.all([here.close(), redis.close()]))
        .then(() => process.exit(0));
    });
    server.closeIdleConnections();
  };
  process.once('SIGTERM', drain);
  process.once('SIGINT', drain);
}
