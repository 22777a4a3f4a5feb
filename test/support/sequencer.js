// The longest first: a browser that walks every page would otherwise begin when everything else has ended.
const lengthOf = ({ path }) =>
  ['/journeys/accessibility', '/journal/', '/commands/', '/promotion/'].findIndex((part) =>
    path.includes(part),
  );
const rank = (test) => (lengthOf(test) === -1 ? 9 : lengthOf(test));

export default class LongestFirst {
  sort(tests) {
    return [...tests].toSorted((one, other) => rank(one) - rank(other));
  }

  /** Jest asks for these; nothing is kept from one run to the next. */
  cacheResults() {}
  allFailedTests(tests) {
    return tests;
  }
}
