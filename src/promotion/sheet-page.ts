// The sheet as a page: counts, rows with what differs, problems with their ways out.
import type { Request, Response } from 'express';
import { isSameValue } from '../catalog/content.ts';
import { keyText, titleOf, type RowKey } from '../catalog/entity.ts';
import { textOf, type Field, type Value } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { rung } from '../environments/ladder.ts';
import { allNames } from '../environments/names.ts';
import type { Stop } from '../environments/place.ts';
import { NotFound } from '../problems.ts';
import { page } from '../web/pages.ts';
import { difference, inWords, plural } from '../web/words.ts';
import { childOffers } from './children.ts';
import type * as journal from './journal.ts';
import { changesOf, needsOverwrite, OVERWRITE, type PlannedStep } from './plan.ts';
import * as selections from './selections.ts';
import * as transfers from './transfers.ts';

/** How many rows a page lists at the most; the rest is counted. */
export const SHOWN = 200;

export async function sheetPage(
  req: Request,
  res: Response,
  { key, problem }: { key: string; problem: string },
) {
  const road = roadOf(req);
  const selection = await selections.find(req.here.sql, String(req.params['id']));
  const sheet = await transfers.prepare(road, selection);
  const { plan } = sheet;
  const written = plan.steps.filter((step) => step.action !== 'same');
  const to = rung(road.there.name);
  await page(req, res, 'promotion/sheet', {
    title: `${problem ? 'Error: ' : ''}Transfer to ${to.inText}`,
    crumbs: [{ text: 'Transfers', href: '/transfers' }, { text: 'Review' }],
    selection,
    key,
    problem,
    plan,
    to,
    asksReason: to.asksReason,
    counts: countsOf(plan.steps),
    groups: groupsOf(written.slice(0, SHOWN), sheet.facts.sights),
    hidden: Math.max(0, written.length - SHOWN),
    written: written.length,
    same: plan.steps.filter((step) => step.action === 'same').slice(0, SHOWN),
    overwrites: written.some(needsOverwrite),
    OVERWRITE,
    names: {
      city: await allNames(road.there.sql, 'city'),
      partner: await allNames(road.there.sql, 'partner'),
    },
    children: await childOffers(req.here, sheet),
    stateOf: (one: RowKey) => sheet.facts.sights.get(keyText(one))?.state,
    labelOne: (name: string) => entityNamed(name).label.one,
    keyText,
  });
}

function countsOf(steps: PlannedStep[]) {
  const of = (action: journal.Action) => {
    const own = steps.filter((step) => step.action === action);
    const kinds = new Map<string, number>();
    for (const { entity } of own) kinds.set(entity, (kinds.get(entity) ?? 0) + 1);
    const words = [...kinds].map(([name, number]) => plural(number, entityNamed(name).label));
    return { number: own.length, words: words.join(', ') };
  };
  return { create: of('create'), update: of('update'), remove: of('remove'), same: of('same') };
}

/** Steps under the row they belong to, each with the fields that differ. */
function groupsOf(steps: PlannedStep[], sights: Sights) {
  const groups = new Map<string, { root: RowKey; steps: ReturnType<typeof stepInWords>[] }>();
  for (const step of steps) {
    const text = keyText(step.root);
    const group = groups.get(text) ?? { root: step.root, steps: [] };
    const isRoot = keyText(step) === text;
    group.steps[isRoot ? 'unshift' : 'push'](stepInWords(step, sights));
    groups.set(text, group);
  }
  return [...groups.values()];
}

type Sights = transfers.Sheet['facts']['sights'];

function stepInWords(step: PlannedStep, sights: Sights) {
  const words = (field: Field, value: Value | undefined) => {
    const sight = field.to ? sights.get(`${field.to}:${textOf(value)}`) : undefined;
    const row = sight?.here ?? sight?.there;
    const plain = inWords(field, value);
    return sight && row ? `${titleOf(sight.entity, row)} #${plain}` : plain;
  };
  const fields = changesOf(step).map(({ field, definition, label, before, after }) => {
    const [was, will] = [words(definition, before), words(definition, after)];
    const isSame = isSameValue(before, after);
    return { field, label, isSame, ...difference(was, will), value: will };
  });
  return {
    step,
    entity: entityNamed(step.entity),
    status: step.sight?.status ?? null,
    differing: fields.filter(({ isSame }) => !isSame),
    same: fields.filter(({ isSame }) => isSame),
  };
}

/** The way from here to the destination. */
export function roadOf({ here }: Request): transfers.Road {
  const there = destinationOf(here);
  const own = here.settings.urls[here.name];
  return {
    here,
    there,
    lease: here.settings.lease.milliseconds,
    hostHere: own ? new URL(own).host : null,
  };
}

function destinationOf(here: Request['here']): Stop {
  if (!here.destination) throw new NotFound(`${rung(here.name).label} has no destination.`);
  return here.destination;
}
