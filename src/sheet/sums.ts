// The totals of a sheet, such as the number of updated rows: the tiles above its rows, and the text in the bar with the
// transfer button.
import type { StepAction } from '../state/transfer-kinds.ts';
import { count, countsByType } from '../web/format.ts';
import { needsOverwrite } from './overwrites.ts';
import type { Plan } from './plan.ts';
import type { SelectionKind } from './selections.ts';

const tileTexts: [StepAction, string][] = [
  ['update', 'updated'],
  ['create', 'created'],
  ['remove', 'removed'],
  ['same', 'unchanged'],
];

const actionTiles = ({ steps }: Plan) =>
  tileTexts.map(([action, text]) => {
    const own = steps.filter((step) => step.action === action);
    return { action, number: own.length, text, types: countsByType(own) };
  });

/** How many rows nobody has tested, of the rows that can be tested. */
export type Untested = { untested: number; of: number };

/**
 * Returns the tiles above a sheet: how many rows are updated, created, removed and unchanged, and, as warnings, how many
 * rows overwrite a change and how many rows are not tested.
 */
export function tilesOf(plan: Plan, { untested, of }: Untested, kind: SelectionKind) {
  const overwritten = plan.steps.filter(needsOverwrite);
  const warnings = [
    {
      number: overwritten.length,
      text: `changed ${kind === 'takeover' ? 'here' : 'there'} since`,
      types: countsByType(overwritten),
    },
    { number: untested, text: 'not tested', types: `of ${count(of)}` },
  ].filter(({ number }) => number > 0);
  return [
    ...actionTiles(plan).map((tile) => ({
      ...tile,
      isWarning: tile.action === 'remove' && tile.number > 0,
    })),
    ...warnings.map((tile) => ({ ...tile, isWarning: true })),
  ];
}

/** Returns the text in the bar with the transfer button: `3 updated, 1 removed, 2 not tested, 1 problem` */
export function sumsOf(plan: Plan, untested: number): string {
  const problems = plan.problems.length;
  return [
    ...actionTiles(plan).filter(({ action }) => action !== 'same'),
    { number: untested, text: 'not tested' },
    { number: problems, text: problems === 1 ? 'problem' : 'problems' },
  ]
    .filter(({ number }) => number > 0)
    .map(({ number, text }) => `${count(number)} ${text}`)
    .join(', ');
}
