// Reports transferred texts that contain the host name of an environment, however the address is spelled.
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

/** Matches characters that browsers ignore in an address, and invisible characters. */
const ignored = /[\t\r\n\p{Default_Ignorable_Code_Point}]/gu;
/** Match possible hosts in a text: names in any script, numbers and IPv6 addresses, each with an optional port. */
const hostLike = [
  /(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?/gi,
  /[\p{L}\p{M}\p{N}._\-\u3002\uFF0E\uFF61]+(?::\d{1,5})?/gu,
];

/**
 * Matches a text that may be a host although it is more than a single word. Single words are only parsed as hosts if
 * the host of an environment is a single word (such as `localhost`), because parsing every word takes time.
 */
const mayBeHost = /[.:\u3002\uFF0E\uFF61]\P{White_Space}|^\d{8}|^0x/iu;

/** Returns the possible host names in a text, in the canonical form that browsers use. */
function hostsIn(text: string, mayBeWords: boolean): string[] {
  const candidates = spellingsOf(text).flatMap((one) =>
    hostLike.flatMap((pattern) => one.match(pattern) ?? []),
  );
  const wanted = candidates.filter((one) => mayBeWords || mayBeHost.test(one));
  return [...new Set(wanted)].flatMap(canonicalHost);
}

/**
 * Returns a text as it is, without ignored characters, and with percent-encoding decoded, because the query of an
 * address may contain another address in encoded form.
 */
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

/**
 * Whether a host name found in a text (`candidate`) is the host in `address` or a subdomain of it. If `address` has no
 * port, any port matches.
 */
function isAt(candidate: string, address: string): boolean {
  const [host = ''] = canonicalHost(address);
  const wanted = /:\d+$/.test(host) ? candidate : candidate.replace(/:\d+$/, '');
  return wanted === host || wanted.endsWith(`.${host}`);
}
