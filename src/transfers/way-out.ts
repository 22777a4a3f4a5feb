// The remedy for a transfer that the destination refused: what a person can do so that the rows can be sent.
import { keyFrom } from '../catalog/entity.ts';
import type { TransferReason } from '../writing/transfer.ts';
import type { Transfer } from '../writing/journal.ts';

/** A remedy: review the sheet, wait first, change the row first, or ask an engineer. */
type WayOut = 'review' | 'wait' | 'edit' | 'engineer';

const ways: Record<TransferReason, WayOut> = {
  'being-written': 'wait',
  'changed-there': 'review',
  'parent-missing': 'review',
  'still-used': 'review',
  'name-missing': 'review',
  'name-ambiguous': 'review',
  updating: 'wait',
  'no-version': 'engineer',
  'unique-taken': 'edit',
  'value-too-long': 'edit',
  'value-missing': 'edit',
  'value-unfit': 'edit',
  'column-missing': 'engineer',
  'rule-there': 'edit',
  'refused-there': 'engineer',
  'keeps-failing': 'engineer',
  away: 'wait',
  busy: 'wait',
  crowded: 'wait',
  'read-only': 'wait',
  quota: 'wait',
  password: 'engineer',
  locked: 'engineer',
  denied: 'engineer',
  full: 'engineer',
  untrusted: 'engineer',
};

const texts: Record<WayOut, string> = {
  review: 'Review the sheet again: it shows the current state and what can be done.',
  wait: 'Review the sheet again in a while.',
  edit: 'Change the value here, then review the sheet again.',
  engineer: 'Ask an engineer: this cannot be solved on the pages.',
};

const paths: Partial<Record<Transfer['kind'], string>> = {
  transfer: '/selections',
  undo: '/undos',
  restore: '/restores',
  takeover: '/takeovers',
  'undo-here': '/undos-here',
};

/**
 * Returns the remedy for a refused transfer, the URL of its sheet, and, if the remedy is to edit a row, the URL of that
 * row.
 */
export function wayOutOf({ kind, selection, problem_reason: reason, problem_row: row }: Transfer) {
  const way = reason === null ? 'review' : ways[reason];
  const path = paths[kind];
  const key = row === null ? null : keyFrom(row);
  return {
    reason,
    way,
    text: texts[way],
    sheetHref: path && selection ? `${path}/${selection}` : null,
    rowHref: way === 'edit' && key ? `/catalog/${key.entity}/${key.id}` : null,
  };
}
