import { inWords } from '../web/words.ts';
import type { Sight } from './compare.ts';
import { changesOf } from './plan.ts';

/** The fields in which a row here and there read differently. */
export const differingFields = ({ key, here, there }: Sight) =>
  changesOf({ entity: key.entity, before: there, after: here })
    .map(({ field, label, definition, before, after }) => ({
      ...{ field, label },
      there: inWords(definition, before),
      here: inWords(definition, after),
    }))
    .filter((one) => one.here !== one.there);
