// Tests that exports are streamed: rows are read only as fast as the client receives them, and an error while reading
// aborts the download.
import { afterAll, beforeAll, expect, test } from 'vitest';
import express from 'express';
import { once } from 'node:events';
import { get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { withoutFormula } from '../../src/web/csv.ts';
import { plainColumn, sendExport, type ExportFormat } from '../../src/web/export.ts';

const PART = 500;
const PARTS = 200;
let read = 0;

async function* parts(failsAt: number) {
  for (let part = 0; part < PARTS; part += 1) {
    if (part === failsAt) throw new Error('the database is away');
    read += 1;
    yield Array.from({ length: PART }, (_, row) => ({ id: part * PART + row + 1 }));
  }
}

let server: Server;
beforeAll(async () => {
  const app = express().get('/', (req, res, next) => {
    const columns = [
      plainColumn('id', 'ID', ({ id }: { id: number }) => id),
      plainColumn('note', '=Note', () => `${'x'.repeat(100)} “🪔”`),
    ];
    const format: ExportFormat = req.query['format'] === 'csv' ? 'csv' : 'json';
    const failsAt = Number(req.query['failsAt'] ?? -1);
    sendExport(res, { name: 'rows', format, columns }, parts(failsAt)).catch(next);
  });
  server = app.listen(0);
  await once(server, 'listening');
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const open = async (query: string) => {
  read = 0;
  const { port } = server.address() as AddressInfo;
  const [answer] = await once(get({ port, path: `/?${query}` }), 'response');
  return answer as IncomingMessage;
};

test('an export of 100,000 rows reads rows only as fast as the client receives them', async () => {
  const answer = await open('format=csv');
  await wait(200);
  expect(read).toBeLessThan(PARTS / 2);
  const lines = (await text(answer)).trimEnd().split('\r\n');
  expect(lines).toHaveLength(PART * PARTS + 1);
  expect(lines[0]).toBe("ID,'=Note");
  expect(lines.at(-1)).toMatch(/^100000,x+ “🪔”$/);
});

test('an export as JSON is one array of all rows', async () => {
  const answer = await open('format=json');
  expect(answer.headers['content-disposition']).toBe('attachment; filename=rows.json');
  const rows = JSON.parse(await text(answer)) as { id: number }[];
  expect([rows.length, rows.at(-1)?.id]).toEqual([PART * PARTS, PART * PARTS]);
});

test('if not all rows of an export can be read, the download is aborted, so that nobody mistakes the file for complete', async () => {
  await expect(text(await open('format=json&failsAt=3'))).rejects.toThrow('aborted');
});

test('an exported text that begins with =, +, -, @, a tab or a line break gets an apostrophe, so that no spreadsheet runs it as a formula', () => {
  for (const sign of ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\n', '\r', '\t']) {
    expect(withoutFormula(`${sign}1+1`)).toBe(`'${sign}1+1`);
  }
  expect([withoutFormula('1-1'), withoutFormula(-5)]).toEqual(['1-1', -5]);
});
