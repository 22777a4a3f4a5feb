import { expect, test } from 'vitest';
import { createServer, type Server } from 'node:net';
import { freePort } from '../../bin/programs.ts';
import { connectNosql, connectSql } from '../../src/database/connect.ts';
import { settingsOf, useWorld } from '../support/world.ts';

const world = useWorld();

test('Oneway does not connect to a MySQL server without a trusted certificate when TLS is set (C8)', async () => {
  const { sql } = settingsOf(world.variables.staging);
  const pool = connectSql({ ...sql, tls: true });
  await expect(pool.query('select 1')).rejects.toThrow(/secure|certificate|SSL/i);
  await pool.end();
});

test('Oneway sends MongoDB nothing unencrypted when TLS is set (C8)', async () => {
  const port = await freePort();
  const heard: Buffer[] = [];
  const server = await listen(port, heard);
  const { nosql } = settingsOf(world.variables.staging);
  const { client, documents } = connectNosql(
    { ...nosql, host: '127.0.0.1', port, tls: true },
    { isTraced: false },
  );
  await expect(documents.command({ ping: 1 })).rejects.toThrow();
  await client.close();
  await new Promise((resolve) => server.close(resolve));
  expect(heard.length).toBeGreaterThan(0);
  // The first byte of a TLS handshake, which starts an encrypted connection, is 22.
  for (const bytes of heard) expect(bytes[0]).toBe(22);
});

const listen = (port: number, heard: Buffer[]) =>
  new Promise<Server>((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (bytes) => {
        heard.push(bytes);
        socket.destroy();
      });
    });
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
