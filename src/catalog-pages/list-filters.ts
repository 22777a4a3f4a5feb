// Builds the inputs of the filters of a list, and a chip for each active filter. Pure functions.
import { labelOf, type Entity } from '../catalog/entity.ts';
import { statuses } from '../state/status.ts';
import { formatChoice, formatDay, personName } from '../web/format.ts';
import type { Listing } from './list.ts';
import { filterable, listHref, type ListState } from './list-state.ts';

export const filtersOf = (entity: Entity, state: ListState) =>
  filterable(entity).map(([name, { to, choices }]) => ({
    name,
    label: labelOf(entity, name),
    value: state.filters[name] ?? '',
    optionsHref: to ? `/catalog/${to}/options` : '',
    choices: choices ?? ['yes', 'no'],
  }));

/** The filters that every list has: by status, by the day of the last change, and by who changed the row. */
export function moreFilters(state: ListState, { counts, people }: Listing) {
  const { statuses: chosen, modifiedFrom, modifiedTo, changedBy, zone } = state;
  const shown = counts.ready === null ? [] : statuses.filter((status) => status !== 'Only there');
  const [first] = chosen;
  const others = [...new Set([...people, changedBy])].filter((email) => email !== '');
  return {
    statuses: shown.map((status) => ({ status, isChosen: chosen.includes(status) })),
    statusText: chosen.length > 1 ? `${chosen.length} statuses` : (first ?? 'Any status'),
    from: modifiedFrom,
    to: modifiedTo,
    zone,
    people: others
      .map((email) => ({ email, name: personName(email), isChosen: email === changedBy }))
      .toSorted((one, other) => one.name.localeCompare(other.name)),
    isOpen: modifiedFrom !== '' || modifiedTo !== '' || changedBy !== '',
  };
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
