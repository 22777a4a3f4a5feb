// A small TCP proxy between the program and a server, to cut connections and to let them hang half-open.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

type Direction = 'answers' | 'both' | 'after greeting';

export type Proxy = {
  port: number;
  /** Bytes that the server has sent. */
  bytes(): number;
  /** Where new connections lead. */
  to(port: number): void;
  /** Breaks every connection; new ones come through. */
  cut(): void;
  /** Keeps connections open and delivers nothing any more: no answers, nothing at all, or no answers after signing in. */
  hang(direction: Direction): void;
  /** Delivers again for new connections; those that hung are broken. */
  heal(): void;
  close(): void;
};

export async function openProxy(target: number): Promise<Proxy> {
  let upstream = target;
  let bytes = 0;
  let hanging: Direction | null = null;
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => open.delete(socket));
  };
  const server = createServer((client) => {
    const remote = connect(upstream, '127.0.0.1');
    keep(client);
    keep(remote);
    client.on('data', (part) => {
      if (hanging !== 'both') remote.write(part);
    });
    let answers = 0;
    remote.on('data', (part) => {
      answers += 1;
      bytes += part.length;
      // MySQL greets, and says whether the password is right.
      if (hanging === null || (hanging === 'after greeting' && answers <= 2)) client.write(part);
    });
    client.once('close', () => remote.destroy());
    remote.once('close', () => {
      if (hanging === null) client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    bytes: () => bytes,
    to: (port) => (upstream = port),
    cut,
    hang: (direction) => (hanging = direction),
    heal: () => {
      if (hanging !== null) cut();
      hanging = null;
    },
    close: () => {
      cut();
      server.close();
    },
  };
}
