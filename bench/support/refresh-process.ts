// A process that runs a refresh, and sends its peak memory to its parent process.
import { openApp } from '../../src/environments/app.ts';
import { runRefresh } from '../../src/refresh/refresh.ts';
import { parseSettings } from '../../src/settings.ts';

const here = openApp(parseSettings(process.env));
const { source, settings } = here;
if (!source) throw new Error('There is no source');
const megabytes: number[] = [];
const { created } = await runRefresh({
  here,
  there: source,
  source,
  lease: settings.lease.milliseconds,
  progress: ({ report }) => {
    const isDue = report.at.all >= 50_000 * (megabytes.length + 1);
    if (isDue) megabytes.push(Math.round(process.memoryUsage().rss / 1e6));
  },
});
const most = Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
process.send?.({ created, megabytes, most });
await here.close();
