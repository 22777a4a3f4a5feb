// Measures how long the signed API (whose requests and answers are signed with HAWK) takes for an answer with 1,000
// rows, including the client’s check of the signature. Datasette serves the same rows, without a signature, for
// comparison. Also compares the time in the server with the bare SELECT.
import { Agent, get } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { client } from 'hawk';
import { publish } from '../test/support/published.ts';
import { hawkKey, type Key } from '../test/support/signed-client.ts';
import { chosenRows } from './support/arguments.ts';
import { writeDataFile } from './support/data-file.ts';
import { datasette, datasettePage } from './support/datasette.ts';
import { besides, within } from './support/goals.ts';
import type { Ground } from './support/ground.ts';
import type { Found, Goal } from './support/results.ts';
import { serve } from './support/site.ts';
import { median, ROUNDS } from './support/timing.ts';

const PAGE = 1000;
const PAGES = 100;
type Cells = (string | number)[];

/** Writes a data file and reads its rows as cells: whole numbers become numbers, all other cells stay texts. */
async function rowsOf(path: string, count: number) {
  await writeDataFile(path, count);
  const [header = [], ...lines] = parse(readFileSync(path));
  const rows = lines.map((line) =>
    line.map((cell): string | number => (/^[1-9]\d{0,14}$/.test(cell) ? Number(cell) : cell)),
  );
  return { header, rows };
}

export async function datasetsApi({ world, folder }: Ground): Promise<Found> {
  const { staging: here, variables } = world;
  const { header, rows } = await rowsOf(join(folder, 'rows.csv'), chosenRows(100_000));
  const columns = Object.fromEntries(header.map((name) => [name, 'text' as const]));
  await publish(here, { name: 'bench/rows', columns, rows });
  const key = await hawkKey(here, ['dataset:*']);
  const site = await serve(here, variables.staging);
  const peer = await datasette(folder, header, rows);
  const agent = new Agent({ keepAlive: true });
  const starts = Array.from({ length: PAGES }, (_, n) => ((n * 37) % (rows.length / PAGE)) * PAGE);
  const verified = async (behind: number, encoding: string) => {
    const begun = performance.now();
    const { text, verify } = await signedPage(site.url, key, { behind, encoding }, agent);
    verify();
    const page = JSON.parse(text) as { values: Cells[] };
    refuseOther('signed page', page.values, behind);
    return performance.now() - begun;
  };
  const ways: Record<string, (behind: number) => Promise<number>> = {
    'signed page': (behind) => verified(behind, 'identity'),
    'signed page, gzip': (behind) => verified(behind, 'gzip'),
    datasette: async (behind) => {
      const { milliseconds, text } = await fetched(peer.url + datasettePage(behind), {}, agent);
      const begun = performance.now();
      const page = JSON.parse(text) as { rows: Cells[] };
      refuseOther(
        'datasette',
        page.rows.map((row) => row.slice(1)),
        behind,
      );
      return milliseconds + performance.now() - begun;
    },
    'bare SELECT': async (behind) => {
      const begun = performance.now();
      const [found] = await here.sql.query(
        'select id, cells from data_row where datafile = (select max(datafile) from data_version_file) and id > ? order by id limit ?',
        [behind, PAGE],
      );
      if ((found as unknown[]).length !== PAGE) throw new Error('bare SELECT: other rows');
      return performance.now() - begun;
    },
  };
  const rounds: Record<string, number[]> = {};
  const keep = (way: string, milliseconds: number) => {
    (rounds[way] ??= []).push(Math.round(milliseconds * 100) / 100);
    console.log(`  ${way}: ${milliseconds.toFixed(1)} ms`);
  };
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const [way, ask] of Object.entries(ways)) {
        const before = await serverTimes(site.url);
        const taken: number[] = [];
        for (const behind of starts) taken.push(await ask(behind));
        const after = await serverTimes(site.url);
        // The first round is not measured: it fills caches and opens connections.
        if (round === 0) continue;
        keep(way, median(taken));
        if (way === 'bare SELECT') keep('bare SELECT, mean', mean(taken));
        if (way === 'signed page') {
          const seconds = (after.sum - before.sum) / (after.count - before.count);
          keep('its server part, mean', seconds * 1000);
        }
      }
    }
  } finally {
    agent.destroy();
    await Promise.all([site.stop(), peer.stop()]);
  }
  return { rounds, counts: { rows: rows.length, pages: PAGES }, goals: goals(rounds) };
}

function goals(rounds: Record<string, number[]>): Goal[] {
  const of = (way: string) => median(rounds[way] ?? []);
  const zipped = `${of('signed page, gzip').toFixed(1)} ms with gzip`;
  return [
    besides(
      within(
        "a signed page of 1,000 rows, verified by its client: of Datasette's unsigned page of the same rows",
        1,
        of('signed page') / of('datasette'),
      ),
      `${of('signed page').toFixed(1)} and ${of('datasette').toFixed(1)} ms; ${zipped}`,
    ),
    within(
      'its server part: of the bare SELECT',
      2,
      of('its server part, mean') / of('bare SELECT, mean'),
    ),
  ];
}

const mean = (values: number[]) => values.reduce((sum, one) => sum + one, 0) / values.length;

/**
 * Reads from the server’s metrics how many answers of the signed API it has sent, and their total time from request to
 * answer.
 */
async function serverTimes(site: string): Promise<{ sum: number; count: number }> {
  const text = await (await fetch(`${site}/metrics`)).text();
  const valueOf = (name: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`http_request_duration_seconds_${name}{`))
      .filter((line) => line.includes('/api/v1/table-data/:organisation/:name'))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  return { sum: valueOf('sum'), count: valueOf('count') };
}

/**
 * Throws if an answer does not have exactly the rows after the row `behind`: Oneway and Datasette must be measured with
 * the same rows.
 */
function refuseOther(way: string, rows: unknown[][], behind: number) {
  if (rows.length !== PAGE || rows[0]?.[0] !== behind + 1 || rows.at(-1)?.[0] !== behind + PAGE) {
    throw new Error(`${way}: other rows behind ${behind}`);
  }
}

async function signedPage(
  site: string,
  key: Key,
  { behind, encoding }: { behind: number; encoding: string },
  agent: Agent,
) {
  const url = `${site}/api/v1/table-data/bench/rows?next-id=${behind + 1}`;
  const { header, artifacts } = client.header(url, 'GET', { credentials: key });
  const asked = { authorization: header, 'accept-encoding': encoding };
  const { headers, text } = await fetched(url, asked, agent);
  const verify = () =>
    client.authenticate({ headers } as never, key, artifacts, { payload: text, required: true });
  return { text, verify };
}

function fetched(url: string, headers: Record<string, string>, agent: Agent) {
  const begun = performance.now();
  return new Promise<{ text: string; headers: object; milliseconds: number }>((resolve, reject) => {
    get(url, { headers, agent }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.once('error', reject);
      answer.once('end', () => {
        const content = Buffer.concat(parts);
        const isZipped = answer.headers['content-encoding'] === 'gzip';
        const text = (isZipped ? gunzipSync(content) : content).toString();
        if (answer.statusCode !== 200) reject(new Error(`${url}: ${answer.statusCode} ${text}`));
        else resolve({ text, headers: answer.headers, milliseconds: performance.now() - begun });
      });
    }).once('error', reject);
  });
}
