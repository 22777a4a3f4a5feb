/** Returns to the page that the user wanted as soon as the update of the database is over. */
export function returnWhenOpen() {
  const page = document.querySelector('[data-until-open]');
  if (!page) return;
  const look = async () => {
    const answer = await fetch('/api/v1/metadata', { cache: 'no-store' }).catch(() => null);
    const version = answer?.ok ? await answer.json() : null;
    if (version && !version.isUpdating) location.assign(page.dataset.untilOpen);
    else setTimeout(look, 3000);
  };
  setTimeout(look, 3000);
}
