// Merges a posted page with what is stored now, so that choices that another person saved after the page was shown
// are kept.

/**
 * Returns the stored ticks of checkboxes with the changes of this person: what differs between the shown and the
 * posted ticks.
 */
export function withOwnTicks(
  stored: readonly string[],
  shown: readonly string[],
  posted: string[],
) {
  const added = posted.filter((one) => !shown.includes(one) && !stored.includes(one));
  const removed = new Set(shown.filter((one) => !posted.includes(one)));
  return [...stored.filter((one) => !removed.has(one)), ...added];
}

/** Returns another person’s text, unless this person changed it, too; then `isOvertaken` is true. */
export function withOwnText(stored: string, shown: string, posted: string) {
  const isOwn = posted !== shown;
  return {
    text: isOwn ? posted : stored,
    isOvertaken: isOwn && stored !== shown && stored !== posted,
  };
}
