// Merges a posted page with what is stored now, so that choices that another person saved after the page was shown
// are kept.

/**
 * Returns which checkboxes are ticked after a post: as they are stored now, with the changes of this person, which are
 * the differences between the page as it was shown and as it was posted.
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

/**
 * Returns the text to store: that of another person if this person did not change it. If both did, `isOvertaken` is
 * true.
 */
export function withOwnText(stored: string, shown: string, posted: string) {
  const isOwn = posted !== shown;
  return {
    text: isOwn ? posted : stored,
    isOvertaken: isOwn && stored !== shown && stored !== posted,
  };
}
