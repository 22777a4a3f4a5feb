// Lets jest run the slowest test files first. Otherwise one worker would still be busy when all other workers are idle.
const slowest = [
  'web/own-servers',
  'journeys/accessibility',
  'writing/faults',
  'commands/transfers',
  'writing/kills',
  'running/running',
  'storage/objects',
  'writing/recovery',
  'writing/table-locks',
  'commands/',
  'journeys/',
  'transfers/undo-property',
  'pipeline/kills',
  'release/upgrade',
  'staging/',
  'sources/kills',
  'routes.test',
  'jobs/',
  'version/gate',
  'backups/',
  'catalog-pages/',
  'transfers/',
  'writing/',
];
const rank = ({ path }) => {
  const place = slowest.findIndex((part) => path.includes(`/test/${part}`));
  return place === -1 ? slowest.length : place;
};

export default class LongestFirst {
  sort(tests) {
    return [...tests].toSorted((one, other) => rank(one) - rank(other));
  }

  /**
   * Jest requires these two methods. They do nothing, because no results are stored between runs.
   */
  cacheResults() {}
  allFailedTests(tests) {
    return tests;
  }
}
