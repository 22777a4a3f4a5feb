// The end of a transfer: read back what stands there, and write the outcome, the bases and the audit in one
// commit here.
import * as audit from '../audit/audit.ts';
import { canonical, contentOf, hashOf, isSameRow } from '../catalog/content.ts';
import { keyText, type Row } from '../catalog/entity.ts';
import { entityNamed } from '../catalog/index.ts';
import { transaction } from '../database/sql.ts';
import { rung } from '../environments/ladder.ts';
import { read } from '../environments/row-store.ts';
import * as claims from './claims.ts';
import * as journal from './journal.ts';
import { writeSeen, type Seen } from './row-states.ts';
import type { Work } from './work.ts';

const words: Record<journal.Action, string> = {
  create: 'created',
  update: 'updated',
  remove: 'removed',
  same: 'same',
};

export async function finish(work: Work) {
  const { here, there, transfer, steps } = work;
  const now = await read(there, steps);
  const outcomes = new Map<number, string>();
  const seen: Seen[] = [];
  for (const step of steps) {
    const row = now.get(keyText(step)) ?? null;
    const isAsWritten = isSameRow(entityNamed(step.entity), row, step.after);
    outcomes.set(step.seq, isAsWritten ? words[step.action] : 'changed since');
    seen.push(seenOf(step, row, isAsWritten));
  }
  await transaction(here.sql, async (connection) => {
    await journal.move(connection, transfer, ['committed'], 'verified');
    await journal.writeOutcomes(connection, transfer.id, outcomes);
    if (transfer.kind === 'transfer') {
      const carried = seen.filter(({ key }) => !entityNamed(key.entity).isMatchedByName);
      await writeSeen(connection, carried, new Date().toISOString());
    }
    await audit.write(connection, {
      person: transfer.person,
      action: transfer.kind === 'transfer' ? 'transferred' : verb(steps),
      subject: transfer.name,
      detail: detailOf(transfer, steps.length),
      transfer: transfer.id,
      ...(steps.length === 1 && steps[0] ? { row: steps[0] } : {}),
    });
  });
}

function seenOf(step: journal.Step, row: Row | null, isAsWritten: boolean): Seen {
  const entity = entityNamed(step.entity);
  const hash = row && hashOf(entity, row);
  const base =
    isAsWritten && row && hash ? { hash, content: canonical(contentOf(entity, row)) } : null;
  return { key: { entity: step.entity, id: step.id }, seen: hash, base };
}

const verb = (steps: journal.Step[]) => {
  const actions = new Set(steps.map((step) => step.action));
  if (actions.size > 1) return 'saved';
  return actions.has('create') ? 'added' : actions.has('remove') ? 'deleted' : 'saved';
};

function detailOf(transfer: journal.Transfer, count: number): string | null {
  if (transfer.kind !== 'transfer') return null;
  const rows = `${count} ${count === 1 ? 'row' : 'rows'}`;
  const to = `to ${rung(transfer.destination).inText}`;
  return `${rows} ${to}${transfer.reason ? `: ${transfer.reason}` : ''}`;
}

/** Nothing was written: the journal says why, and the rows are free again. */
export async function refuse({ here, there, transfer }: Work, why: string) {
  await transaction(here.sql, async (connection) => {
    await journal.move(connection, transfer, ['planned', 'claimed'], 'refused', { problem: why });
    if (transfer.kind === 'transfer') {
      await audit.write(connection, {
        person: transfer.person,
        action: 'was refused',
        subject: transfer.name,
        detail: why,
        transfer: transfer.id,
      });
    }
  });
  await claims.release(there.sql, transfer);
}
