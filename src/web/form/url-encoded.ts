import type { FormBody } from './body.ts';
import { Form } from './form.ts';
import type { Counted, TooLarge } from './problems.ts';

export async function readUrlEncoded(
  parts: Counted,
  body: FormBody,
  tooLarge: TooLarge,
): Promise<Form> {
  const read: Buffer[] = [];
  let bytes = 0;
  for await (const part of parts) {
    bytes += part.length;
    if (bytes > body.bytes) throw tooLarge(body);
    read.push(part);
  }
  const text = Buffer.concat(read).toString('utf8');
  if (countFields(text) > body.fields) throw tooLarge(body);
  return new Form([...new URLSearchParams(text)]);
}

function countFields(text: string): number {
  let found = 1;
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) found += 1;
  return found;
}
