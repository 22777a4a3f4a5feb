// Lists the rows that were edited in production while editing was allowed there (setting IS_STAGING_ALWAYS). The
// command `oneway revert finish` copies these rows to staging through a transfer sheet.
import { keyText, type RowKey } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { select, sql } from '../database/sql.ts';
import type { Environment } from '../environments/environment.ts';
import { byEntity } from '../rows/store.ts';
import { refreshedContents } from '../state/former-contents.ts';
import { keyOfLine } from '../state/row-state.ts';
import { comparePairs } from '../comparison/compare-pairs.ts';

export type Edited = {
  key: RowKey;
  title: string;
  person: string;
  at: string;
  status: string | null;
};

/**
 * Lists the rows whose last change in production was an edit, and whose content in this environment differs from
 * production’s.
 */
export async function editedInSource(here: Environment, source: Environment): Promise<Edited[]> {
  const lines = await select<{
    entity: string;
    row_id: number;
    title: string;
    person: string;
    at: string;
  }>(
    source.sql,
    sql`select a.entity, a.row_id, a.title, a.person, a.at
          from arrival a
          join (select max(id) as id from arrival group by entity, row_id) newest on newest.id = a.id
         where a.kind = 'save'
         order by a.at, a.id`,
  );
  const own = lines.filter(({ entity }) => !entityNamed(entity).isMatchedByName);
  const keys = own.map(keyOfLine);
  const pairs = await comparePairs(source, here, keys, { basesIn: here.sql });
  const came = new Map<string, { at: string; hash: string }[]>();
  for (const [entity, ids] of byEntity(keys)) {
    for (const { id, at, hash } of await refreshedContents(here, entity, ids)) {
      const text = keyText({ entity: entity.name, id });
      came.set(text, [...(came.get(text) ?? []), { at, hash }]);
    }
  }
  return own.flatMap(({ entity, row_id: id, title, person, at }) => {
    const key = { entity, id };
    const pair = pairs.get(keyText(key));
    const isSame = !pair || pair.hereHash === pair.thereHash;
    // Leaves out a row if a refresh after the edit has copied production’s content here: the row then differs only
    // because this environment has changed it since. A refresh before the edit does not count, because the edit may
    // have restored the content that production had then.
    const isKnown = came
      .get(keyText(key))
      ?.some((one) => one.hash === pair?.hereHash && one.at >= at);
    return isSame || isKnown ? [] : [{ key, title, person, at, status: pair.status }];
  });
}
