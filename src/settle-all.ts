/** Waits for all promises even if one fails, so that nothing is still running when the error is thrown. */
export async function settleAll<const T extends readonly unknown[]>(work: T) {
  await Promise.allSettled(work);
  return Promise.all(work);
}
