// Merges changes on a page with what is stored now: decisions that another person saved after the page was shown are
// kept.

/** Applies only the ticks that this person changed. */
export function withOwnTicks(
  stored: readonly string[],
  shown: readonly string[],
  posted: string[],
) {
  const added = posted.filter((one) => !shown.includes(one) && !stored.includes(one));
  const removed = new Set(shown.filter((one) => !posted.includes(one)));
  return [...stored.filter((one) => !removed.has(one)), ...added];
}

/** Keeps another person’s text, unless this person changed it too: then the other text was `overtaken`. */
export function withOwnText(stored: string, shown: string, posted: string) {
  const isOwn = posted !== shown;
  return {
    text: isOwn ? posted : stored,
    isOvertaken: isOwn && stored !== shown && stored !== posted,
  };
}
