// A process that takes a backup, or makes a staging database from the newest backup, and reports its peak memory to the
// parent process.
import { openApp } from '../../src/environments/app.ts';
import { parseSettings } from '../../src/settings.ts';
import { backUp, makeCopy } from './copies.ts';

const [what] = process.argv.slice(2);
const here = openApp(parseSettings(process.env));
const megabytes = (bytes: number) => Math.round(bytes / 1e6);
const before = megabytes(process.memoryUsage.rss());
if (what === 'backup') await backUp(here);
else await makeCopy(here, 'memory');
process.send?.({ before, most: megabytes(process.resourceUsage().maxRSS * 1024) });
await here.close();
