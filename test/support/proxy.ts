// A TCP proxy in front of a server. A test lets the proxy refuse connections, stay silent, delay answers or cut them.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

type Direction = 'answers' | 'both' | 'after greeting';

export type Proxy = {
  port: number;
  /** The port of the server behind the proxy. */
  target: number;
  /** The number of bytes that the server has sent. */
  bytes(): number;
  /** Forwards new connections to another port. */
  to(port: number): void;
  /** Cuts all open connections; new connections work. */
  cut(): void;
  /** Keeps connections open but drops answers, all data, or answers after the login. */
  hang(direction: Direction): void;
  /** Refuses new connections and cuts open connections, until `accept`. */
  refuse(): Promise<void>;
  /** Delays each answer by `milliseconds`, until `heal`. */
  slow(milliseconds: number): void;
  /** Passes requests on at this many bytes a second and connection, as if the server took that long for them, until `heal`. */
  drag(bytesPerSecond: number): void;
  /** Cuts each connection after the server has answered `bytes` bytes, until `heal`. */
  cutAfter(bytes: number): void;
  /** Ends `hang`, `slow`, `drag` and `cutAfter`, and cuts the connections that were hanging. */
  heal(): void;
  /** Accepts connections again after `refuse`. */
  accept(): Promise<void>;
  close(): void;
};

export async function openProxy(target: number): Promise<Proxy> {
  let upstream = target;
  let bytes = 0;
  let hanging: Direction | null = null;
  let delay = 0;
  let most = Infinity;
  let rate = Infinity;
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
    let freeAt = 0;
    client.on('data', (part) => {
      if (hanging === 'both') return;
      freeAt = Math.max(freeAt, Date.now()) + (part.length / rate) * 1000;
      if (rate === Infinity) remote.write(part);
      else setTimeout(() => remote.write(part), freeAt - Date.now()).unref();
    });
    let answers = 0;
    let sent = 0;
    const answer = (part: Buffer) => {
      sent += part.length;
      if (sent <= most) client.write(part);
      else client.destroy();
    };
    remote.on('data', (part) => {
      answers += 1;
      bytes += part.length;
      // MySQL sends two packets before it answers commands: a greeting, and the answer to the password.
      if (hanging !== null && (hanging !== 'after greeting' || answers > 2)) return;
      if (delay === 0) answer(part);
      // The timer must not keep the process alive, because the test may have ended by then.
      else setTimeout(answer, delay, part).unref();
    });
    client.once('close', () => remote.destroy());
    remote.once('close', () => {
      if (hanging === null) client.destroy();
    });
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => {
      server.listen(port, '127.0.0.1', resolve);
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port,
    target,
    bytes: () => bytes,
    to: (port) => (upstream = port),
    cut,
    hang: (direction) => (hanging = direction),
    refuse: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
    slow: (milliseconds) => (delay = milliseconds),
    drag: (bytesPerSecond) => (rate = bytesPerSecond),
    cutAfter: (number) => (most = number),
    heal: () => {
      if (hanging !== null || most !== Infinity) cut();
      [hanging, delay, rate, most] = [null, 0, Infinity, Infinity];
    },
    accept: async () => {
      if (!server.listening) await listen(port);
    },
    close: () => {
      cut();
      server.close();
    },
  };
}
