import type { TestSequencer, TestSpecification } from 'vitest/node';

// Lets vitest run the slowest test files first. Otherwise one worker would still be busy when all other workers are idle.
const slowest = [
  'web/own-servers',
  'journeys/accessibility',
  'writing/faults',
  'commands/unwilling',
  'environments/far-side',
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
const rank = ({ moduleId }: TestSpecification) => {
  const place = slowest.findIndex((part) => moduleId.includes(`/test/${part}`));
  return place === -1 ? slowest.length : place;
};

export class LongestFirst implements TestSequencer {
  sort(files: TestSpecification[]) {
    return files.toSorted((one, other) => rank(one) - rank(other));
  }

  shard(files: TestSpecification[]) {
    return files;
  }
}
