/** Counts unsaved changes, and warns before they are left behind. */
export function warnOfUnsaved() {
  const form = document.querySelector('form[data-dirty]');
  if (!form) return;
  const saved = valuesOf(form);
  let isLeaving = false;
  const changes = () => {
    const now = valuesOf(form);
    return [...new Set([...saved.keys(), ...now.keys()])].filter(
      (name) => saved.get(name) !== now.get(name),
    );
  };
  form.addEventListener('input', () => {
    const { length } = changes();
    const text =
      length === 0 ? '' : length === 1 ? '1 unsaved change' : `${length} unsaved changes`;
    form.querySelector('[data-dirty-count]').textContent = text;
  });
  form.addEventListener('submit', () => (isLeaving = true));
  form.querySelector('[data-discard]')?.addEventListener('click', () => (isLeaving = true));
  addEventListener('beforeunload', (event) => {
    if (!isLeaving && changes().length > 0) event.preventDefault();
  });
  for (const other of document.querySelectorAll('form[data-unsaved-first]')) {
    other.addEventListener('submit', (event) => {
      if (changes().length === 0) return;
      event.preventDefault();
      form.querySelector('[data-dirty-count]').textContent =
        'Save or discard your changes first, then transfer.';
      form.querySelector('[data-shortcut-save]').focus();
    });
  }
}

function valuesOf(form) {
  const values = new Map();
  for (const [name, value] of new FormData(form)) {
    const text = value instanceof File ? value.name : value;
    values.set(name, `${values.get(name) ?? ''}\n${text}`);
  }
  return values;
}
