// Builds multipart forms with a file, byte by byte as browsers post them, and signs in over the network to post them.
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { password } from './people.ts';

const boundary = '----oneway';
export const type = `multipart/form-data; boundary=${boundary}`;
export const part = (name: string, value: string) =>
  `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
export const fileHead = (name: string) =>
  `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: text/csv\r\n\r\n`;
export const tail = `\r\n--${boundary}--\r\n`;

/**
 * Signs the user dana in over the network, because the tests that post raw bytes cannot use the cookies of supertest.
 */
export async function signInOver(server: Server): Promise<[cookie: string, token: string]> {
  const { port } = server.address() as AddressInfo;
  const base = `http://localhost:${port}`;
  const form = await fetch(`${base}/sign-in`);
  const first = cookiesOf(form);
  const csrf = /name="csrf" value="([^"]+)"/.exec(await form.text())?.[1] ?? '';
  const answer = await fetch(`${base}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { Cookie: first, 'Sec-Fetch-Site': 'same-origin' },
    body: new URLSearchParams({ csrf, email: 'dana@example.com', password }),
  });
  const cookie = [first, cookiesOf(answer)].join('; ');
  const page = await fetch(`${base}/datasets`, { headers: { Cookie: cookie } });
  return [cookie, /name="csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? ''];
}

const cookiesOf = (answer: Response) =>
  answer.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
