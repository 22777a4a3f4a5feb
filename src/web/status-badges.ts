import type { Status } from '../state/status.ts';

/** The colour and icon of each status. Pages always show the name of the status beside them. */
export const statusLooks: Record<Status, { tone: string; icon: string }> = {
  New: { tone: 'new', icon: 'plus' },
  'In sync': { tone: 'ok', icon: 'circle-check' },
  'Changed here': { tone: 'changed', icon: 'circle-dot' },
  'Changed there': { tone: 'bad', icon: 'triangle-alert' },
  'Changed on both': { tone: 'bad', icon: 'triangle-alert' },
  'Not known to be the same row': { tone: 'bad', icon: 'circle-question-mark' },
  'Deleted here': { tone: 'bad', icon: 'trash-2' },
  'Deleted here, changed there': { tone: 'bad', icon: 'trash-2' },
  'Deleted there': { tone: 'bad', icon: 'trash-2' },
  'Changed here, deleted there': { tone: 'bad', icon: 'trash-2' },
  'Only there': { tone: 'new', icon: 'circle-dashed' },
};
