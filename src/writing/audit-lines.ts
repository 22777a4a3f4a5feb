// The audit entries of a write: one in the environment that started the write, and one in the environment that it
// changed. So the audit of each environment is complete.
import type { PoolConnection } from 'mysql2/promise';
import * as audit from '../audit/audit.ts';
import { rulesOf, sourceText } from '../environments/rules.ts';
import * as journal from './journal.ts';
import type { Work } from './work.ts';

/** Writes the audit entry of the environment that started a write, in the commit that ends the write. */
export const auditEnd = (connection: PoolConnection, { transfer, steps }: Work) =>
  audit.write(connection, {
    ...lineOf({ transfer, steps }),
    action: verb(transfer, steps),
    detail: journal.isSent(transfer) ? detailOf(transfer, steps, toText(transfer)) : null,
  });

/** Writes the audit entry of the environment that a transfer changes, in the transaction that changes it. */
export const auditArrival = (connection: PoolConnection, { transfer, steps }: Work) =>
  audit.write(connection, {
    ...lineOf({ transfer, steps }),
    action: `${verb(transfer, steps)} here`,
    detail: detailOf(transfer, steps, `from ${rulesOf(transfer.origin).inText}`),
  });

const lineOf = ({ transfer, steps }: Pick<Work, 'transfer' | 'steps'>) => ({
  person: transfer.person,
  subject: transfer.name,
  transfer: transfer.id,
  ...(steps.length === 1 && steps[0] ? { row: steps[0] } : {}),
});

const sentVerbs: Partial<Record<journal.TransferKind, string>> = {
  transfer: 'transferred',
  undo: 'undid',
  restore: 'restored',
  takeover: 'took over',
  'undo-here': 'undid',
};

const verb = ({ kind }: journal.Transfer, steps: journal.Step[]) => {
  const own = sentVerbs[kind];
  if (own) return own;
  const actions = new Set(steps.map((step) => step.action));
  if (actions.size > 1) return 'saved';
  return actions.has('create') ? 'added' : actions.has('remove') ? 'deleted' : 'saved';
};

const toText = ({ kind, destination }: journal.Transfer) => {
  const { inText } = rulesOf(destination);
  if (kind === 'takeover') return `from ${sourceText(destination)} into ${inText}`;
  return `${journal.isUndo({ kind }) ? 'in' : 'to'} ${inText}`;
};

function detailOf(
  { reason, approved_by: approver }: journal.Transfer,
  steps: journal.Step[],
  where: string,
) {
  const rows = `${steps.length} ${steps.length === 1 ? 'row' : 'rows'} ${where}`;
  const approved = approver ? `, approved by ${approver}` : '';
  return `${rows}${approved}${reason ? `: ${reason}` : ''}`;
}
