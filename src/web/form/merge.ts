// Merges a posted form with the stored values, so that changes which another person saved after the page was shown are
// kept.

/**
 * Returns which checkboxes to store as ticked: the stored ones, with the changes of this person.
 * The changes are the differences between the shown page and the posted form.
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
 * Returns the text to store: the posted text if this person changed the text, otherwise the stored
 * text, which another person may have changed. If both people changed the text differently,
 * `isOvertaken` is true.
 */
export function withOwnText(stored: string, shown: string, posted: string) {
  const isOwn = posted !== shown;
  return {
    text: isOwn ? posted : stored,
    isOvertaken: isOwn && stored !== shown && stored !== posted,
  };
}
