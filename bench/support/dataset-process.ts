// A process that examines one data file (detects its format and the types of its columns), loads the file into the
// database, or does both. Sends its time, CPU time and peak memory to its parent process.
import { performance } from 'node:perf_hooks';
import { v7 as uuid } from 'uuid';
import { examineFile } from '../../src/datasets/examination.ts';
import { loadFile } from '../../src/datasets/load.ts';
import * as registry from '../../src/datasets/registry.ts';
import { sql } from '../../src/database/sql.ts';
import { openApp } from '../../src/environments/app.ts';
import type { Job } from '../../src/jobs/jobs.ts';
import { parseSettings } from '../../src/settings.ts';

const [, , way = '', id = ''] = process.argv;
const here = openApp(parseSettings(process.env));
const report = () => Promise.resolve();
const job = { id: uuid() } as Job;

const ways: Record<string, () => Promise<unknown>> = {
  examine: async () => {
    const file = await registry.known(here.sql, Number(id));
    const { reading } = await examineFile(here, file);
    const what = sql`reading = ${JSON.stringify(reading)}`;
    return registry.change(here.sql, file, ['processing'], what);
  },
  load: () => loadFile({ here, job, report }, Number(id)),
};

const begun = performance.now();
const cpu = process.cpuUsage();
for (const one of way.split(',')) await ways[one]?.();
const { user, system } = process.cpuUsage(cpu);
const milliseconds = performance.now() - begun;
const megabytes = Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
process.send?.({ milliseconds, megabytes, cpu: (user + system) / 1000 });
await here.close();
