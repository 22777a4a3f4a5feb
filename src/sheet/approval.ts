// Requests for the approval of a second person: when one is required, and which request waits for a selection.
import { first, sql, type Queryable } from '../database/sql.ts';
import { undoDepth } from '../writing/undo-depth.ts';
import { journalOf, type Route } from './route.ts';
import type { Selection, SelectionKind } from './selections.ts';

type ApprovalState = 'waiting' | 'approved' | 'refused' | 'withdrawn' | 'overtaken';

/** A request to send exactly one plan, which another product manager approves or refuses. */
export type Approval = {
  id: string;
  selection: string;
  kind: SelectionKind;
  name: string;
  reason: string;
  plan_hash: string;
  rows_count: number;
  state: ApprovalState;
  asked_by: string;
  asked_at: string;
  decided_by: string | null;
  decided_at: string | null;
  note: string | null;
  /** The id of the transfer that was sent with this approval. */
  transfer: string | null;
};

/** All columns but `plan_rows`, which can be long. */
export const approvalColumns = sql`a.id, a.selection, a.kind, a.name, a.reason, a.plan_hash, a.rows_count, a.state,
  a.asked_by, a.asked_at, a.decided_by, a.decided_at, a.note, a.transfer`;

/**
 * Whether another product manager must approve this selection before it is sent. An undo stops damage and needs no
 * approval. The undo of an undo sends the content again and needs approval, like the transfer itself.
 */
export async function needsApproval(
  route: Route,
  { kind, undoes }: Pick<Selection, 'kind' | 'undoes'>,
): Promise<boolean> {
  if (!route.asksApproval || kind === 'restore') return false;
  return (await undoDepth(journalOf(route).sql, { undoes })) % 2 === 0;
}

/** Finds the request for approval of a selection that nobody has approved or refused yet. */
export const waitingApproval = (on: Queryable, selection: string) =>
  first<Approval>(
    on,
    sql`select ${approvalColumns} from approval a
         where a.selection = ${selection} and a.state = 'waiting'
         order by a.asked_at desc limit 1`,
  );
