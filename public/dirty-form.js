const WRONG = '[aria-invalid="true"], .wrong';

/** Counts unsaved changes, and warns before they are left behind. */
export function warnOfUnsaved() {
  for (const form of document.querySelectorAll(`form[data-dirty], form:has(${WRONG})`)) watch(form);
}

function watch(form) {
  const saved = valuesOf(asRendered(form));
  // A page that comes back with a problem shows what was typed, and none of it is saved.
  const isRefused = form.dataset.dirty === 'refused' || form.querySelector(WRONG) !== null;
  const counter = form.querySelector('[data-dirty-count]');
  let isLeaving = false;
  const changes = () => {
    const now = valuesOf(form);
    return [...new Set([...saved.keys(), ...now.keys()])].filter(
      (name) => saved.get(name) !== now.get(name),
    );
  };
  const isDirty = () => isRefused || changes().length > 0;
  const count = () => {
    if (counter) counter.textContent = isRefused ? 'Not saved yet' : counted(changes().length);
  };
  if (isDirty()) count();
  form.addEventListener('input', count);
  form.addEventListener('submit', () => (isLeaving = true));
  form.querySelector('[data-discard]')?.addEventListener('click', () => (isLeaving = true));
  // After a save or a discard the page may be shown again by going back; then it warns again.
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

/** The form as it came from the server: the browser itself may have filled in what was typed before going back. */
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
