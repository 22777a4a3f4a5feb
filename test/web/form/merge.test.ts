import { expect, test } from '@jest/globals';
import { withOwnText, withOwnTicks } from '../../../src/web/form/merge.ts';

test.each([
  ['nothing was ticked or unticked', ['a', 'b'], ['a', 'b'], ['a', 'b'], ['a', 'b']],
  ['another user ticked b meanwhile', ['a', 'b'], ['a'], ['a'], ['a', 'b']],
  ['another user unticked a meanwhile', [], ['a'], ['a'], []],
  ['both ticked b', ['a', 'b'], ['a'], ['a', 'b'], ['a', 'b']],
  ['one ticked b, the other c', ['a', 'b'], ['a'], ['a', 'c'], ['a', 'b', 'c']],
  ['one unticked a, the other ticked b', ['a', 'b'], ['a'], [], ['b']],
])(
  'a save changes only the checkboxes that the user changed: %s (F16)',
  (_when, stored, shown, posted, wanted) => {
    expect(withOwnTicks(stored, shown, posted)).toEqual(wanted);
  },
);

test.each([
  ['untouched', 'theirs', 'before', 'before', { text: 'theirs', isOvertaken: false }],
  ['changed', 'before', 'before', 'mine', { text: 'mine', isOvertaken: false }],
  ['changed by both alike', 'same', 'before', 'same', { text: 'same', isOvertaken: false }],
  ['changed by both', 'theirs', 'before', 'mine', { text: 'mine', isOvertaken: true }],
])(
  'another user’s text is kept unless this user changed the field, too (the field is %s) (F16)',
  (_when, stored, shown, posted, wanted) => {
    expect(withOwnText(stored, shown, posted)).toEqual(wanted);
  },
);
