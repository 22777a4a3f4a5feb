// Starts a worker: a process without pages, possibly on another machine, that runs recovery, jobs and notifications.
import { rulesOf } from './environments/rules.ts';
import { onStop, run, startWith } from './running.ts';

await startWith(async (settings) => {
  const { here, stop } = await run(settings, { runsJobs: true });
  here.log.info(`a worker of ${rulesOf(here.name).inText} is at work`);
  onStop(() => {
    here.log.info('draining');
    stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
});
