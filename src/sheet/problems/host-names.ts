// Addresses of environments in texts and lists that travel, in whatever spelling.
import { fieldEntries, labelOf } from '../../catalog/entity.ts';
import type { Value } from '../../catalog/fields.ts';
import { entityNamed } from '../../catalog/index.ts';
import { environmentNames, rulesOf } from '../../environments/rules.ts';
import type { Facts } from '../facts.ts';
import type { PlannedStep } from '../planned-step.ts';
import { describe, keyOf, type Problem } from '../problem.ts';

type Address = { host: string; whose: string };

export function hostNames(facts: Facts, steps: PlannedStep[]): Problem[] {
  const addresses = addressesOf(facts);
  if (addresses.length === 0) return [];
  const mayBeWords = addresses.some(({ host }) => !mayBeHost.test(host));
  return steps.flatMap((step) => {
    const entity = entityNamed(step.entity);
    return fieldEntries(entity).flatMap(([field, { local }]) => {
      if (local) return [];
      const hosts = new Set(
        textsIn(step.after?.[field]).flatMap((text) => hostsIn(text, mayBeWords)),
      );
      const found = addresses.find(({ host }) => [...hosts].some((one) => isAt(one, host)));
      if (!found) return [];
      const message = `${describe(step)}: ${labelOf(entity, field)} contains ${found.whose} (${found.host}).`;
      const solutions = [{ kind: 'edit' as const, key: keyOf(step) }];
      return [{ reason: 'host-name' as const, row: keyOf(step), message, solutions }];
    });
  });
}

function addressesOf({ hostHere, otherHosts }: Facts): Address[] {
  const own = hostHere ? [{ host: hostHere, whose: "this environment's own address" }] : [];
  const others = environmentNames.flatMap((name) => {
    const host = otherHosts?.[name];
    return host ? [{ host, whose: `the address of ${rulesOf(name).inText}` }] : [];
  });
  return [...own, ...others];
}

const textsIn = (value: Value | undefined): string[] =>
  [value].flat().filter((one): one is string => typeof one === 'string');

/** Signs that a browser leaves out of an address, or that nobody sees in it. */
const ignored = /[\t\r\n\p{Default_Ignorable_Code_Point}]/gu;
/** Names and numbers with dots, or addresses of IPv6, each perhaps with a port; the former also out of other scripts. */
const hostLike = [
  /(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?/gi,
  /[\p{L}\p{M}\p{N}._\-\u3002\uFF0E\uFF61]+(?::\d{1,5})?/gu,
];

/** Words are no hosts, unless an environment is called by one: reading each as an address takes time. */
const mayBeHost = /[.:\u3002\uFF0E\uFF61]\P{White_Space}|^\d{8}|^0x/iu;

/** What may be a host in a text, as browsers write it. */
function hostsIn(text: string, mayBeWords: boolean): string[] {
  const candidates = spellingsOf(text).flatMap((one) =>
    hostLike.flatMap((pattern) => one.match(pattern) ?? []),
  );
  const wanted = candidates.filter((one) => mayBeWords || mayBeHost.test(one));
  return [...new Set(wanted)].flatMap(canonicalHost);
}

/** The text itself, without what is ignored in addresses, and decoded: an address may be part of another one. */
function spellingsOf(text: string): string[] {
  const spellings = new Set([text, text.replaceAll(ignored, '')]);
  let decoded = text;
  for (let times = 0; times < 3 && decoded.includes('%'); times += 1) {
    decoded = decoded.replaceAll(/(?:%[\da-f]{2})+/gi, decodedOrSame);
    spellings.add(decoded).add(decoded.replaceAll(ignored, ''));
  }
  return [...spellings];
}

function decodedOrSame(encoded: string) {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

function canonicalHost(candidate: string): string[] {
  const [, name = '', port = ''] = /^(.*?)\.*(?::0*(\d+))?$/.exec(candidate) ?? [];
  const hostname = URL.parse(`http://${name}`)?.hostname ?? '';
  if (hostname === '') return [];
  return [`${loopback.test(hostname) ? 'localhost' : hostname}${port && `:${port}`}`];
}

const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** The host itself, or one below it; whatever the port when the address has none of its own. */
function isAt(candidate: string, address: string): boolean {
  const [host = ''] = canonicalHost(address);
  const wanted = /:\d+$/.test(host) ? candidate : candidate.replace(/:\d+$/, '');
  return wanted === host || wanted.endsWith(`.${host}`);
}
