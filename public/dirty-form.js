const WRONG = '[aria-invalid="true"], .wrong';

/**
 * Counts the unsaved changes of a form, and warns before the user leaves the page without saving.
 */
export function warnOfUnsaved() {
  for (const form of document.querySelectorAll(`form[data-dirty], form:has(${WRONG})`)) watch(form);
}

function watch(form) {
  const saved = valuesOf(asRendered(form));
  // If the server refused the form, the page shows the typed values again, and none of them is
  // saved.
  const isRefused = form.dataset.dirty === 'refused' || form.querySelector(WRONG) !== null;
  const counter = form.querySelector('[data-dirty-count]');
  let isLeaving = false;
  const changes = () => {
    const now = valuesOf(form);
    const names = [...saved.keys(), ...now.keys()];
    const changed = names.filter((name) => saved.get(name) !== now.get(name));
    // A dependent row to add is one change, however many fields it has.
    return [...new Set(changed.map((name) => /^\w+\.n\d+\./.exec(name)?.[0] ?? name))];
  };
  const isDirty = () => isRefused || changes().length > 0;
  // The names of the fields whose refused values differ from the stored ones.
  const refused = (form.dataset.unsaved ?? '').split(' ').filter(Boolean);
  const count = () => {
    const number = new Set([...refused, ...changes()]).size;
    if (counter)
      counter.textContent = isRefused && number === 0 ? 'Not saved yet' : counted(number);
  };
  if (isDirty()) count();
  form.addEventListener('input', count);
  form.addEventListener('submit', () => (isLeaving = true));
  form.querySelector('[data-discard]')?.addEventListener('click', () => (isLeaving = true));
  // After a save or a discard, the user may return to this page with the browser’s Back button.
  // Then the page must warn again.
  addEventListener('pageshow', () => (isLeaving = false));
  addEventListener('beforeunload', (event) => {
    if (!isLeaving && isDirty()) event.preventDefault();
  });
  for (const other of document.querySelectorAll('form[data-unsaved-first]')) {
    other.addEventListener('submit', (event) => {
      if (!isDirty()) return;
      event.preventDefault();
      if (counter) counter.textContent = 'Save or discard your changes first, then transfer.';
      form.querySelector('[data-shortcut-save]')?.focus();
    });
  }
}

const counted = (number) =>
  number === 0 ? '' : number === 1 ? '1 unsaved change' : `${number} unsaved changes`;

/**
 * Returns a copy of the form with the values that the server sent. The visible form may have other
 * values, because browsers restore typed values when the user goes back to a page.
 */
function asRendered(form) {
  const copy = form.cloneNode(true);
  copy.reset();
  return copy;
}

function valuesOf(form) {
  const values = new Map();
  for (const [name, value] of new FormData(form)) {
    const text = value instanceof File ? value.name : value;
    values.set(name, `${values.get(name) ?? ''}\n${text}`);
  }
  return values;
}
