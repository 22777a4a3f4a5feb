// Builds the inputs of the filters of a list, and a chip for each active filter. Pure functions.
import { labelOf, type Entity } from '../catalog/entity.ts';
import { statuses } from '../state/status.ts';
import type { FilterInput } from '../web/filter-bar.ts';
import { formatChoice, formatDay, personName } from '../web/format.ts';
import type { Listing } from './list.ts';
import { filterableOn, listHref, type ListState } from './list-state.ts';

/** Returns the inputs of the search and of the filters by fields. */
export const filtersOf = (entity: Entity, state: ListState): FilterInput[] => [
  { id: 'q', name: 'q', label: 'Search', kind: 'search', value: state.search },
  ...filterableOn(entity, state.tab).map(([name, { to, choices }]): FilterInput => {
    const value = state.filters[name] ?? '';
    const input = { id: `by-${name}`, name, label: labelOf(entity, name), value };
    if (to) return { ...input, kind: 'picker', optionsHref: `/catalog/${to}/options` };
    return { ...input, kind: 'choice', choices: [any, ...choicesOf(choices ?? ['yes', 'no'])] };
  }),
];

const any = { value: '', text: 'Any' };
const choicesOf = (values: readonly string[]) =>
  values.map((value) => ({ value, text: formatChoice(value) }));

/** The filters that every list has: by status, by the day of the last change, and by who changed the row. */
export function moreFilters(state: ListState, { counts, people }: Listing) {
  const { statuses: chosen, modifiedFrom, modifiedTo, changedBy, zone } = state;
  const shown = counts.ready === null ? [] : statuses.filter((status) => status !== 'Only there');
  const [first] = chosen;
  return {
    statuses: shown.map((status) => ({ status, isChosen: chosen.includes(status) })),
    statusText: chosen.length > 1 ? `${chosen.length} statuses` : (first ?? 'Any status'),
    inputs: [
      dayInput('modified_from', 'Changed from', modifiedFrom),
      dayInput('modified_to', 'Changed until', modifiedTo),
      ...personInputs(people, changedBy),
    ],
    zone,
    isOpen: modifiedFrom !== '' || modifiedTo !== '' || changedBy !== '',
  };
}

const dayInput = (name: string, label: string, value: string): FilterInput => ({
  id: name.replace('_', '-'),
  name,
  label,
  kind: 'day',
  value,
});

/** The filter by who changed the row last; none for a list whose rows nobody has changed. */
function personInputs(people: string[], changedBy: string): FilterInput[] {
  const choices = [...new Set([...people, changedBy])]
    .filter((email) => email !== '')
    .map((email) => ({ value: email, text: personName(email) }))
    .toSorted((one, other) => one.text.localeCompare(other.text));
  if (choices.length === 0) return [];
  return [
    {
      id: 'changed-by',
      name: 'changed_by',
      label: 'Changed by',
      kind: 'choice',
      value: changedBy,
      choices: [{ value: '', text: 'Anyone' }, ...choices],
    },
  ];
}

/** Returns the active filters of a list, each with the URL that shows the list without this filter. */
export function chipsOf(entity: Entity, state: ListState) {
  const chip = (text: string, change: Partial<ListState>) => ({
    text,
    href: listHref(entity, state, change),
  });
  const fields = Object.entries(state.filters).map(([name, value]) => {
    const { [name]: _gone, ...filters } = state.filters;
    const shown = entity.fields[name]?.to ? value : formatChoice(value);
    return chip(`${labelOf(entity, name)}: ${shown}`, { filters });
  });
  const chosen = state.statuses.map((status) =>
    chip(`Status: ${status}`, { statuses: state.statuses.filter((other) => other !== status) }),
  );
  const { search, modifiedFrom, modifiedTo, changedBy } = state;
  return [
    ...fields,
    ...(search ? [chip(`Search: ${search}`, { search: '' })] : []),
    ...chosen,
    ...(modifiedFrom ? [chip(`From ${formatDay(modifiedFrom)}`, { modifiedFrom: '' })] : []),
    ...(modifiedTo ? [chip(`Until ${formatDay(modifiedTo)}`, { modifiedTo: '' })] : []),
    ...(changedBy ? [chip(`Changed by ${personName(changedBy)}`, { changedBy: '' })] : []),
  ];
}
