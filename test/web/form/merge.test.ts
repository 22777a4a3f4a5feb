import { expect, test } from 'vitest';
import { withOwnText, withOwnTicks } from '../../../src/web/form/merge.ts';

test.each([
  ['nobody ticked or unticked a checkbox', ['a', 'b'], ['a', 'b'], ['a', 'b'], ['a', 'b']],
  ['another user ticked b meanwhile', ['a', 'b'], ['a'], ['a'], ['a', 'b']],
  ['another user unticked a meanwhile', [], ['a'], ['a'], []],
  ['both users ticked b', ['a', 'b'], ['a'], ['a', 'b'], ['a', 'b']],
  ['another user ticked b, this user ticked c', ['a', 'b'], ['a'], ['a', 'c'], ['a', 'b', 'c']],
  ['another user ticked b, this user unticked a', ['a', 'b'], ['a'], [], ['b']],
])(
  'a save changes only the checkboxes that the user changed: %s (F16)',
  (_when, stored, shown, posted, wanted) => {
    expect(withOwnTicks(stored, shown, posted)).toEqual(wanted);
  },
);

test.each([
  [
    'only another user changed the field',
    'theirs',
    'before',
    'before',
    { text: 'theirs', isOvertaken: false },
  ],
  [
    'only this user changed the field',
    'before',
    'before',
    'mine',
    { text: 'mine', isOvertaken: false },
  ],
  [
    'both users changed the field to the same text',
    'same',
    'before',
    'same',
    { text: 'same', isOvertaken: false },
  ],
  [
    'both users changed the field to different texts',
    'theirs',
    'before',
    'mine',
    { text: 'mine', isOvertaken: true },
  ],
])(
  'a save keeps another user’s text unless this user changed the field, too: %s (F16)',
  (_when, stored, shown, posted, wanted) => {
    expect(withOwnText(stored, shown, posted)).toEqual(wanted);
  },
);
