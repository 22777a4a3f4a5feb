// Lets several transfers of one caller take turns at their destination. A transfer that waits here does not wait for the
// lock of the clock in MySQL, where the wait has a short limit.

/** Runs work when all earlier work of the same caller has ended. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>;

export function takingTurns(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const own = last.then(work);
    last = own.catch(() => {});
    return own;
  };
}
