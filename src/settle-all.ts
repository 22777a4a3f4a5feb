/** Waits for all, also when one fails: nothing is under way any more when its error is told. */
export async function settleAll<const T extends readonly unknown[]>(work: T) {
  await Promise.allSettled(work);
  return Promise.all(work);
}
