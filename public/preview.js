/** Loads a preview into its place as soon as the user opens it. Without script, a link leads to it. */
export function loadPreviews() {
  const opened = ({ target }) => {
    if (target.open && target.matches('[data-preview]')) void load(target);
  };
  document.addEventListener('toggle', opened, { capture: true });
}

async function load(part) {
  const link = part.querySelector('p > a');
  if (!link) return;
  const answer = await fetch(link.href).catch(() => null);
  if (!answer?.ok) return;
  const loaded = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const preview = loaded.querySelector('[data-previews]');
  // A session that has ended leads to the page for signing in, which has no preview: the link stays.
  if (preview && link.isConnected) link.parentElement.replaceWith(document.adoptNode(preview));
}
