/** How long to wait for another choice before the choices are sent, in milliseconds. */
const PAUSE = 700;
const PLACE = 'oneway-sheet';

/**
 * Sends the choices of a transfer sheet as soon as they are made, and shows the new sheet at the same place: the same
 * rows open, the same scroll position, the same input focused, with what was typed or ticked until the new page came.
 */
export function applyChoices() {
  const form = document.querySelector('form[data-choices]');
  if (!form) return;
  form.querySelector('[data-update]').hidden = true;
  const status = form.querySelector('[data-applying]');
  let timer;
  let isPending = false;
  const wait = () => {
    clearTimeout(timer);
    if (isPending) timer = setTimeout(() => apply(form), PAUSE);
  };
  const choose = () => {
    isPending = true;
    status.textContent = 'Updating the sheet…';
    wait();
  };
  form.addEventListener('change', ({ target }) => {
    const isChoice = target.type === 'checkbox' || target.dataset.choice !== undefined;
    if (isChoice && target.form === form) choose();
  });
  // Nobody is interrupted while typing.
  form.addEventListener('input', wait);
  // A click on a button sends the choices with it.
  form.addEventListener('submit', () => {
    isPending = false;
    clearTimeout(timer);
  });
  // A button that solves a problem posts to another URL and leads back to this sheet, which sends the choices then.
  document.addEventListener('submit', ({ target: other }) => {
    if (!isPending || !solves(form, other)) return;
    clearTimeout(timer);
    addEventListener('pagehide', () => keepPlace(form, valuesOf(inputsIn(form), servedOf)), {
      once: true,
    });
  });
  // The Back button may show the page as it was left.
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) status.textContent = '';
  });
  if (returnTo(form)) choose();
}

const solves = (form, { id }) => id !== '' && form.querySelector(`[form="${CSS.escape(id)}"]`);

function apply(form) {
  if (form.dataset.sent) return;
  // The new page has what is sent now. Only what is typed or ticked later is put into it.
  const sent = valuesOf(inputsIn(form).filter((one) => one.form === form));
  addEventListener('pagehide', () => keepPlace(form, sent), { once: true });
  form.requestSubmit(form.querySelector('[data-apply]'));
}

/** All text inputs and checkboxes, also those that post to another URL; but no secrets, which are never kept. */
const inputsIn = (form) => [
  ...form.querySelectorAll('input[id]:not([type]), input[type="checkbox"][name]'),
];

/** What identifies an input on the next page of the sheet, where other problems may be listed. */
const keyOf = ({ id, type, name, value, dataset }) =>
  type === 'checkbox' ? `${name} ${value}` : (dataset.key ?? id);

const valueOf = (input) => (input.type === 'checkbox' ? input.checked : input.value);
/** The value with which the page was served. */
const servedOf = (input) => (input.type === 'checkbox' ? input.defaultChecked : input.defaultValue);

/** Returns values by input. Two inputs of the same choice count as one. */
function valuesOf(inputs, value = valueOf) {
  const values = new Map();
  for (const one of inputs) values.set(keyOf(one), values.get(keyOf(one)) || value(one));
  return values;
}

function keepPlace(form, sent) {
  const place = {
    sheet: form.elements.selection.value,
    y: scrollY,
    focus: document.activeElement ? keyOf(document.activeElement) : '',
    open: [...form.querySelectorAll('details[data-key][open]')].map(({ dataset }) => dataset.key),
    later: [...valuesOf(inputsIn(form))].filter(([key, value]) => (sent.get(key) ?? '') !== value),
  };
  sessionStorage.setItem(PLACE, JSON.stringify(place));
}

/** Returns whether a choice that the last page did not send is on this page now. */
function returnTo(form) {
  const place = JSON.parse(sessionStorage.getItem(PLACE) ?? 'null');
  sessionStorage.removeItem(PLACE);
  if (place?.sheet !== form.elements.selection.value) return false;
  for (const row of form.querySelectorAll('details[data-key]')) {
    if (place.open.includes(row.dataset.key)) row.open = true;
  }
  const later = new Map(place.later);
  const restored = inputsIn(form).filter((one) => later.has(keyOf(one)));
  for (const one of restored) {
    if (one.type === 'checkbox') one.checked = later.get(keyOf(one));
    else one.value = later.get(keyOf(one));
  }
  const isFocus = (one) => keyOf(one) === place.focus;
  focusAgain(inputsIn(form).find(isFocus) ?? document.getElementById(place.focus));
  scrollTo({ top: place.y, behavior: 'instant' });
  return restored.some(({ type }) => type === 'checkbox');
}

/** Focuses an input without scrolling to it, with the caret behind the text. */
function focusAgain(input) {
  input?.focus({ preventScroll: true });
  if (!input?.matches('input:not([type])')) return;
  const { length } = input.value;
  input.setSelectionRange(length, length);
}
