// Prepares a copy (staging database) for display on pages.
import type { App } from '../environments/app.ts';
import { bytes, exactly, plural } from '../web/format.ts';
import { isProtected, type Copy, type CopyState } from './copies.ts';
import { levels } from './names.ts';

const looks: Record<CopyState, { icon: string; text: string }> = {
  building: { icon: 'loader', text: 'Being made' },
  ready: { icon: 'circle-check', text: 'Ready' },
  updating: { icon: 'loader', text: 'Being updated' },
  dropping: { icon: 'loader', text: 'Being dropped' },
  failed: { icon: 'circle-x', text: 'Failed' },
  dropped: { icon: 'circle-minus', text: 'Dropped' },
};

export const copyView = ({ settings }: App, copy: Copy) => ({
  ...copy,
  look: looks[copy.state],
  levelText: levels[copy.level],
  dataText: exactly(copy.data_at),
  rowsText: plural(copy.row_count, { one: 'row', many: 'rows' }),
  sizeText: bytes(copy.bytes),
  untilText: copy.until && exactly(copy.until),
  isReady: copy.state === 'ready',
  isOutdated: copy.state === 'ready' && copy.version !== settings.supportedVersion,
  isProtected: isProtected(copy),
  protectedText: copy.protected_until && exactly(copy.protected_until),
});
