// Finds addresses of environments in transferred texts and lists, in any spelling.
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

/** Characters that browsers ignore in an address, or that are invisible. */
const ignored = /[\t\r\n\p{Default_Ignorable_Code_Point}]/gu;
/** Matches dotted names and numbers, and IPv6 addresses, each with an optional port; names in any script. */
const hostLike = [
  /(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?/gi,
  /[\p{L}\p{M}\p{N}._\-\u3002\uFF0E\uFF61]+(?::\d{1,5})?/gu,
];

/**
 * Single words are not taken as hosts unless an environment is called so, because parsing each as an address takes
 * time.
 */
const mayBeHost = /[.:\u3002\uFF0E\uFF61]\P{White_Space}|^\d{8}|^0x/iu;

/** Possible host names in a text, as browsers write them. */
function hostsIn(text: string, mayBeWords: boolean): string[] {
  const candidates = spellingsOf(text).flatMap((one) =>
    hostLike.flatMap((pattern) => one.match(pattern) ?? []),
  );
  const wanted = candidates.filter((one) => mayBeWords || mayBeHost.test(one));
  return [...new Set(wanted)].flatMap(canonicalHost);
}

/** The text itself, without characters that addresses ignore, and decoded: an address may be part of another one. */
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

/** Matches the host or a subdomain of it, on any port if the configured address has none. */
function isAt(candidate: string, address: string): boolean {
  const [host = ''] = canonicalHost(address);
  const wanted = /:\d+$/.test(host) ? candidate : candidate.replace(/:\d+$/, '');
  return wanted === host || wanted.endsWith(`.${host}`);
}
