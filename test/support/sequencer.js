// The slowest test files run first: otherwise one worker would still be busy when the other is idle.
const lengthOf = ({ path }) =>
  ['/journeys/accessibility', '/journal/', '/commands/', '/promotion/'].findIndex((part) =>
    path.includes(part),
  );
const rank = (test) => (lengthOf(test) === -1 ? 9 : lengthOf(test));

export default class LongestFirst {
  sort(tests) {
    return [...tests].toSorted((one, other) => rank(one) - rank(other));
  }

  /** Jest requires these methods; nothing is stored between runs. */
  cacheResults() {}
  allFailedTests(tests) {
    return tests;
  }
}
