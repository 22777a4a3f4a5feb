// The titles of the rows to which shown values refer, so that pages show names instead of ids.
import type { RowKey } from '../catalog/entity.ts';
import type { Field, Value } from '../catalog/fields.ts';
import type { Databases } from '../environments/environment.ts';
import { titlesOf } from '../state/untouched.ts';

type Shown = { definition: Field; values: Record<string, Value | undefined> };

export const referencedTitles = (place: Databases, fields: Shown[]): Promise<Map<string, string>> =>
  titlesOf(place, fields.flatMap(keysIn));

const keysIn = ({ definition: { to }, values }: Shown): RowKey[] =>
  to === undefined
    ? []
    : Object.values(values).flatMap((id) =>
        typeof id === 'number' && id > 0 ? [{ entity: to, id }] : [],
      );
