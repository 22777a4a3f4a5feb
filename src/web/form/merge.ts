// What one person changed on a page, carried out on what is stored by now: what another person decided after the page was
// shown stays.

/** The ticks that one person set and took away. */
export function withOwnTicks(
  stored: readonly string[],
  shown: readonly string[],
  posted: string[],
) {
  const added = posted.filter((one) => !shown.includes(one) && !stored.includes(one));
  const removed = new Set(shown.filter((one) => !posted.includes(one)));
  return [...stored.filter((one) => !removed.has(one)), ...added];
}

/** A text that another person changed stays, unless this one changed it, too: then the later one was `overtaken`. */
export function withOwnText(stored: string, shown: string, posted: string) {
  const isOwn = posted !== shown;
  return {
    text: isOwn ? posted : stored,
    isOvertaken: isOwn && stored !== shown && stored !== posted,
  };
}
