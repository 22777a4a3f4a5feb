// What the page of a row says when the destination changed or deleted the row.
import type { Entity } from '../catalog/entity.ts';
import type { EnvironmentRules } from '../environments/rules.ts';
import type { Status } from '../state/status.ts';
import { lowerFirst } from '../web/format.ts';

type Explain = (it: string, there: string) => string;

const explanations: Partial<Record<Status, Explain>> = {
  'Changed there': (it, there) =>
    `${it} was changed in ${there} since both were last equal, and not here. A transfer would overwrite that change; it asks first. Taking over brings the change here.`,
  'Changed on both': (it, there) =>
    `${it} was changed here and in ${there} since both were last equal. A transfer would overwrite the change there; it asks first. Taking over would overwrite the change here.`,
  'Not known to be the same row': (it, there) =>
    `${it} and the one with the same ID in ${there} were never known to be equal. A transfer asks whether they are the same.`,
  'Deleted there': (it, there) =>
    `${it} was deleted in ${there} and is unchanged here. A transfer would create it there again; it asks first. Taking over deletes it here, too.`,
  'Changed here, deleted there': (it, there) =>
    `${it} was changed here, and deleted in ${there}. A transfer would create it there again; it asks first. Taking over deletes it here, too.`,
};

/** Explains a status that a change at the destination caused; null for every other status. */
export function destinationChange(
  { label, dependents }: Entity,
  status: Status | null,
  destination: EnvironmentRules | undefined,
): string | null {
  const explain = status && explanations[status];
  if (!explain || !destination) return null;
  const one = lowerFirst(label.one);
  const it = dependents.length > 0 ? `This ${one}, or a row that belongs to it,` : `This ${one}`;
  return explain(it, destination.inText);
}
