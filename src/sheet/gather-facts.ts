// Gathers the facts that a plan is based on. Nothing is written at the destination.
import type { RowKey } from '../catalog/entity.ts';
import { hasImage } from '../storage/images.ts';
import { rulesOf } from '../environments/rules.ts';
import { readColumns } from '../rows/table-columns.ts';
import type { Environment } from '../environments/environment.ts';
import { referencingRows, type Reference } from '../rows/references.ts';
import { readStates } from '../state/row-state.ts';
import { readVersion } from '../version/metadata.ts';
import { onRows } from '../writing/claims.ts';
import { readClock } from '../state/clock.ts';
import { settleAll } from '../settle-all.ts';
import type { RowPair } from '../comparison/compare-pairs.ts';
import { recordObservations } from '../comparison/record-observations.ts';
import { readMappings, reversed } from '../state/name-mapping.ts';
import { testStatusOf, type TestStatus } from '../state/test-results.ts';
import type { Step } from '../writing/journal.ts';
import type { Facts, FactsQuery } from './facts.ts';
import { gatherHolders } from './holders.ts';
import { linkedNames, linkedRows, missingInDatasets, namesThere } from './linked-names.ts';
import { imagesOf } from './images.ts';
import { atOneMoment, basesOf, comparePairsWithParents } from './pairs-with-parents.ts';

export async function gatherFacts(
  here: Environment,
  there: Environment,
  question: FactsQuery,
): Promise<Facts> {
  const { chosen, planned } = question;
  const asStep = planning(planned);
  const at = new Date().toISOString();
  // The rows here are read at one point in time. The rows at the destination need not be, because
  // the transfer checks them again after it has claimed (reserved) them.
  const { pairs, namesHere, claimsHere } = await atOneMoment(here, async (place) => {
    const mappings = await readMappings(question.isTakeover ? there.sql : place.sql);
    const basesIn = basesOf(here, place, question);
    const sides = { here: place, there, mappings, basesIn };
    const seen = await comparePairsWithParents(sides, question);
    const sent = question.isTakeover ? reversed(mappings) : mappings;
    const rows = await linkedRows(place, sent, [...seen.values()].map(asStep));
    return { pairs: seen, namesHere: rows };
  });
  if (!question.syncStateIn) await recordObservations(here, pairs.values(), at);
  const steps = [...pairs.values()].map(asStep);
  const linked = linkedNames(steps);
  // None of these queries needs the result of another one, so they run in parallel.
  const [
    { names, otherSpellings },
    columns,
    version,
    versionHere,
    claims,
    { holders, otherHolders },
    uses,
    statesThere,
    tested,
    missingImages,
    clock,
  ] = await settleAll([
    namesThere(there, linked),
    readColumns(there.sql),
    readVersion(there.documents),
    readVersion(here.documents),
    onRows(there.sql, steps),
    gatherHolders(
      { here, there, basesIn: basesOf(here, here, question) },
      steps,
      question.plannedAlong,
    ),
    referencesThere(there, steps),
    readStates(there.sql, steps),
    // A takeover reads no test results: the database user for the next environment has no right to read them there.
    rulesOf(here.name).isTested && !question.isTakeover
      ? testStatusOf(here, rootsOf(pairs))
      : new Map<string, TestStatus>(),
    imagesMissing(here, steps),
    readClock(there.sql),
  ]);
  const namesInDatasets = await missingInDatasets(question.syncStateIn ?? here, linked, names);
  return {
    from: here.name,
    to: there.name,
    chosen,
    pairs,
    names,
    namesInDatasets,
    otherSpellings,
    namesHere,
    columns,
    version,
    versionHere: versionHere?.databaseVersion ?? null,
    claims: [...claimsHere, ...claims],
    holders,
    otherHolders,
    references: uses,
    statesThere,
    tested,
    testedForSender: question.testedForSender ?? null,
    missingImages,
    clock,
    isTakeover: question.isTakeover ?? false,
    isWrittenHere: question.syncStateIn !== undefined,
    hostHere: question.hostHere,
    otherHosts: question.otherHosts ?? {},
  };
}

const rootsOf = (pairs: Map<string, RowPair>): RowKey[] =>
  [...pairs.values()].flatMap(({ entity, here, key }) => (here && !entity.owner ? [key] : []));

/**
 * Returns a function that makes a provisional step (row before and after the transfer) for a pair of rows, because some
 * queries need steps before the plan exists.
 */
const planning =
  (planned: FactsQuery['planned']) =>
  (pair: RowPair): Step => {
    const after = planned(pair);
    const action = after === undefined ? 'same' : after === null ? 'remove' : 'update';
    const common = {
      ...pair.key,
      title: '',
      because: null,
      excludedFields: [],
      before: pair.there,
    };
    return { ...common, action, after: after ?? null };
  };

async function referencesThere(there: Environment, steps: Step[]): Promise<Reference[]> {
  const standing = steps.filter(({ before, action }) => before !== null && action !== 'same');
  const [gone, stays] = [
    standing.filter(({ action }) => action === 'remove'),
    standing.filter(({ action }) => action !== 'remove'),
  ];
  return [
    ...(await referencingRows(there, gone, { under: true })),
    ...(await referencingRows(there, stays, { under: false })),
  ];
}

async function imagesMissing(here: Environment, steps: Step[]): Promise<Set<string>> {
  const names = new Set(steps.flatMap(imagesOf).map((image) => image.name));
  const missing = new Set<string>();
  for (const name of names) if (!(await hasImage(here.storage, name))) missing.add(name);
  return missing;
}
