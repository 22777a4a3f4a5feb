// Builds what a list page shows around its rows: tabs, filters, column heads and page links. Pure functions.
import { fieldEntries, labelOf, type Entity } from '../catalog/entity.ts';
import type { App } from '../environments/app.ts';
import { rulesOf } from '../environments/rules.ts';
import { exportFormats } from '../web/export.ts';
import { count, plural } from '../web/format.ts';
import { withReturn } from '../web/return.ts';
import {
  exportHref,
  listHref,
  PAGE,
  sortable,
  tabs,
  type ListState,
  type Tab,
} from './list-state.ts';
import type { Listing } from './list.ts';
import { chipsOf, filtersOf, moreFilters } from './list-filters.ts';

/**
 * Returns what the list page shows around its rows. `most`: how many rows one action may change. `ticked`: the ids of
 * the rows that are ticked when the page opens.
 */
export function listView(
  here: App,
  entity: Entity,
  state: ListState,
  found: Listing & { most: number; ticked: number[] },
) {
  const chips = chipsOf(entity, state);
  const backHref = listHref(entity, state, { page: state.page });
  const head = (name: string) => headOf(entity, state, name, labelOf(entity, name));
  return {
    summary: summaryOf(here, entity, found),
    tabs: tabsOf(entity, state, found),
    chips,
    filters: filtersOf(entity, state),
    more: moreFilters(state, found),
    columns: fieldEntries(entity).flatMap(([name, field]) =>
      field.list && name !== entity.title
        ? [{ name, field, label: labelOf(entity, name), head: head(name) }]
        : [],
    ),
    heads: {
      title: head(entity.title),
      updated: headOf(entity, state, 'modified_at', 'Updated'),
    },
    bulk: {
      ticked: found.ticked,
      ready: found.ready,
      total: found.total,
      isMore: found.total > found.rows.length && found.total <= found.most,
      isNarrowed: chips.length > 0,
    },
    // The query of the link to each row, so that the page of the row can lead back to this list.
    rowQuery: backHref.includes('?') ? withReturn('', backHref) : '',
    backHref,
    // The query of this list. An action on all rows that match the filters finds these rows again with this query.
    query: backHref.split('?')[1] ?? '',
    exports: exportFormats.map((format) => ({
      text: format.toUpperCase(),
      href: exportHref(entity, state, format),
    })),
    pager: {
      from: (state.page - 1) * PAGE,
      shown: found.rows.length + found.deleted.length,
      all: found.total,
      page: state.page,
      pages: Math.max(1, Math.ceil(found.total / PAGE)),
      address: (page: number) => listHref(entity, state, { page }),
    },
  };
}

function summaryOf({ name, destination }: App, { label }: Entity, { counts }: Listing): string {
  const all = `${plural(counts.all ?? 0, label)} in ${rulesOf(name).inText}.`;
  if (counts.ready === null || !destination) return all;
  const ready = counts.ready === 0 ? 'None' : count(counts.ready);
  return `${all} ${ready} ready to transfer to ${destination.rules.inText}.`;
}

const tabTexts: Record<Tab, string> = {
  all: 'All',
  ready: 'Ready to transfer',
  engineering: 'Engineering changes',
  mine: 'Changed by me',
  held: 'Not for production',
  deleted: 'Deleted here',
};

const tabsOf = (entity: Entity, state: ListState, { counts }: Listing) =>
  tabs.flatMap((tab) => {
    const number = counts[tab];
    if (number === null) return [];
    const href = listHref(entity, state, { tab, statuses: [] });
    return [{ text: tabTexts[tab], href, number, isCurrent: state.tab === tab }];
  });

/**
 * Returns the head of a column with its present sort order, and with a link that sorts the list by this column, if that
 * is possible.
 */
function headOf(entity: Entity, state: ListState, field: string, text: string) {
  const isSorted = state.sort.field === field;
  const isUp = !state.sort.descending;
  const startsDescending = field === 'modified_at';
  const descending = isSorted ? isUp : startsDescending;
  return {
    text,
    href: sortable(entity).includes(field)
      ? listHref(entity, state, { sort: { field, descending } })
      : null,
    order: isSorted ? (isUp ? 'ascending' : 'descending') : null,
    icon: isUp ? 'arrow-up' : 'arrow-down',
  };
}
