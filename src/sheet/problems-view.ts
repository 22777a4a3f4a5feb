// Problems of a sheet as its page shows them. The directory views/sheet/solutions has one partial for each kind of
// solution. If a solution posts to another URL than the sheet, its form is placed below the sheet.
import { keyText, type RowKey } from '../catalog/entity.ts';
import { takeOverText } from '../environments/rules.ts';
import { isUndo, writesThere } from '../state/transfer-kinds.ts';
import { count } from '../web/format.ts';
import { DELETE, OVERWRITE } from './choices.ts';
import type { Plan } from './plan.ts';
import type { Problem, Solution } from './problem.ts';
import type { Selection } from './selections.ts';

/** The values of a sheet that the partials of its problems print. */
export type SheetPlace = {
  selection: Selection;
  /** The URL of the sheet, to return to after solving a problem. */
  address: string;
  from: { inText: string };
  to: { inText: string };
  mayGiveNewId: boolean;
  mayTakeOver: boolean;
  /**
   * Returns the time of engineering’s last change to a row as the page showed it, so that *Adopt* applies to that
   * version only.
   */
  seenOf: (key: RowKey) => string;
  /** Returns the time at which the row was put on hold (*Not for production*), as the page showed it. */
  heldAt: (key: RowKey) => string;
};

/** The most problems that the page lists. */
const SHOWN = 100;

export function problemsView({ problems, words }: Plan, place: SheetPlace) {
  if (problems.length === 0) return null;
  return {
    heading:
      problems.length === 1 ? '1 problem to resolve' : `${problems.length} problems to resolve`,
    againAll: againAll(problems),
    items: problems.slice(0, SHOWN).map((problem, index) => ({
      index,
      message: problem.message,
      solutions: problem.solutions
        .filter(({ kind }) => kind !== 'new-id' || place.mayGiveNewId)
        .filter(({ kind }) => kind !== 'take-over' || place.mayTakeOver)
        .filter(({ kind }) => kind !== 'map-name' || mappingOf(place) !== null)
        .map((solution) => solutionView(solution, index, place)),
      leave: keysToLeave(problem, place.selection),
    })),
    more: Math.max(0, problems.length - SHOWN),
    words: wordsToType(words, place),
  };
}

/** Returns the checkbox that sends all undone rows again; null if fewer than two problems offer to send a row again. */
function againAll(problems: Problem[]) {
  const undone = problems.flatMap(({ solutions }) =>
    solutions.filter((solution) => solution.kind === 'again'),
  );
  if (undone.length < 2) return null;
  return {
    keys: undone.flatMap(({ keys }) => keys.map(keyText)).join(' '),
    text: `Send all ${count(undone.length)} undone rows anyway`,
  };
}

/** Returns the chosen rows to leave out to solve a problem; empty if the transfer would then have no row. */
function keysToLeave({ row, concerns }: Problem, { keys }: Selection): string {
  const chosen = new Set(keys.map(keyText));
  const own = [row, ...(concerns ?? [])].flatMap((key) => (key ? [keyText(key)] : []));
  const leaves = [...new Set(own)].filter((key) => chosen.has(key));
  return leaves.length < keys.length ? leaves.join(' ') : '';
}

function wordsToType({ overwrite, remove }: Plan['words'], { to }: SheetPlace) {
  const replace = `To replace what was changed in ${to.inText}, type “${OVERWRITE}”`;
  const erase = `To delete in ${to.inText}, type “${DELETE}”`;
  return [
    ...(overwrite.isAsked && !overwrite.isTyped ? [{ name: 'overwrite', text: replace }] : []),
    ...(remove.isAsked && !remove.isTyped ? [{ name: 'remove', text: erase }] : []),
  ];
}

const formOf = (kind: string, key: RowKey) => `${kind}-${key.entity}-${key.id}`;
const pageOf = (key: RowKey) => `/catalog/${key.entity}/${key.id}`;

/** Returns the values that the partial of a solution prints. */
function solutionView(solution: Solution, index: number, place: SheetPlace) {
  const { selection } = place;
  const { kind } = solution;
  switch (kind) {
    case 'edit':
      return {
        kind,
        href: pageOf(solution.key),
        text: solution.title ? `Open “${solution.title}”` : 'Open row',
      };
    case 'test':
      return { kind, href: `${pageOf(solution.key)}#tested` };
    case 'adopt':
    case 'lift-hold':
    case 'new-id':
      return { kind, form: formOf(kind, solution.key) };
    case 'take-over':
      return { kind, form: formOf(kind, solution.key), text: takeOverText(place.to) };
    case 'create-name':
      return { kind, name: solution.name, value: `${solution.entity}:${solution.name}` };
    case 'map-name':
      return {
        kind,
        form: `names-${index}`,
        input: mappingOf(place)?.typed,
        list: `there-${solution.entity}`,
        key: `${solution.entity} ${solution.name}`,
      };
    case 'overwrite':
      return { kind, word: OVERWRITE, canLeaveOut: selection.keys.length > 1 };
    case 'delete':
      return { kind, word: DELETE };
    case 'again':
      return { kind, value: solution.keys.map(keyText).join(' ') };
    case 'add':
      return {
        kind,
        value: solution.keys.map(keyText).join(' '),
        text: addInWords(solution, place),
      };
    case 'wait':
    case 'engineer':
      return { kind };
  }
}

/**
 * A name mapping has two sides: `name` (the name here) and `there` (the name at the destination). For the solution that
 * maps a name, returns which side the sheet fills in (`given`) and which side the user types (`typed`); null for a
 * sheet without mappings.
 */
function mappingOf({ selection: { kind } }: SheetPlace) {
  if (kind === 'takeover') return { given: 'there', typed: 'name' };
  return writesThere({ kind }) ? { given: 'name', typed: 'there' } : null;
}

function addInWords(
  { keys, title }: Solution & { kind: 'add' },
  { selection, from }: SheetPlace,
): string {
  const rows = keys.length > 1 ? `“${title}” and ${count(keys.length - 1)} more` : `“${title}”`;
  if (isUndo(selection)) return `Undo ${rows}, too`;
  return `Send ${rows} as ${keys.length > 1 ? 'they are' : 'it is'} in ${from.inText}, too`;
}

export type SolutionForm = { id: string; action: string; fields: Record<string, string> };

/** The forms of all solutions that post to a URL other than the sheet’s, each form once. */
export function solutionForms({ problems }: Plan, place: SheetPlace): SolutionForm[] {
  const forms = problems.flatMap(({ solutions }, index) =>
    solutions.flatMap((solution) => formFor(solution, index, place) ?? []),
  );
  return [...new Map(forms.map((form) => [form.id, form])).values()];
}

function formFor(solution: Solution, index: number, place: SheetPlace): SolutionForm | null {
  const { address, selection, seenOf, heldAt } = place;
  switch (solution.kind) {
    case 'adopt':
      return {
        id: formOf('adopt', solution.key),
        action: `${pageOf(solution.key)}/adoption`,
        fields: { seen: seenOf(solution.key), return: address },
      };
    case 'lift-hold':
      return {
        id: formOf('lift-hold', solution.key),
        action: `${pageOf(solution.key)}/hold/removal`,
        fields: { seen: heldAt(solution.key), return: address },
      };
    case 'new-id':
      return {
        id: formOf('new-id', solution.key),
        action: `${pageOf(solution.key)}/identity`,
        fields: { selection: selection.id },
      };
    case 'take-over':
      return {
        id: formOf('take-over', solution.key),
        action: '/takeovers/choice',
        fields: { rows: keyText(solution.key) },
      };
    case 'map-name':
      return {
        id: `names-${index}`,
        action: '/name-mappings',
        fields: {
          entity: solution.entity,
          [mappingOf(place)?.given ?? 'name']: solution.name,
          was: '',
          return: address,
        },
      };
    default:
      return null;
  }
}

/** Whether the sheet offers to map a name, for which it needs the list of the destination’s names. */
export const offersNames = ({ problems }: Plan) =>
  problems.some(({ solutions }) => solutions.some(({ kind }) => kind === 'map-name'));
