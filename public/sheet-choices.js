/** How long to wait for another choice before the choices are sent, in milliseconds. */
const PAUSE = 700;
const PLACE = 'oneway-sheet';

/**
 * Sends the choices of a transfer sheet as soon as they are made, and shows the new sheet at the same place: the same
 * rows open, the same scroll position, the same input focused, with what was typed until the new page came.
 */
export function applyChoices() {
  const form = document.querySelector('form[data-choices]');
  if (!form) return;
  form.querySelector('[data-update]').hidden = true;
  returnTo(form);
  let timer;
  let isPending = false;
  const wait = () => {
    clearTimeout(timer);
    if (isPending) timer = setTimeout(() => apply(form), PAUSE);
  };
  form.addEventListener('change', ({ target }) => {
    const isChoice = target.type === 'checkbox' || target.dataset.choice !== undefined;
    if (!isChoice || target.form !== form) return;
    isPending = true;
    form.querySelector('[data-applying]').textContent = 'Updating the sheet…';
    wait();
  });
  // Nobody is interrupted while typing.
  form.addEventListener('input', wait);
  // A click on a button sends the choices with it.
  form.addEventListener('submit', () => {
    isPending = false;
    clearTimeout(timer);
  });
}

function apply(form) {
  addEventListener('pagehide', () => keepPlace(form), { once: true });
  form.requestSubmit(form.querySelector('[data-apply]'));
}

const texts = (form) => [...form.querySelectorAll('input[id]:not([type])')];

function keepPlace(form) {
  const place = {
    path: location.pathname,
    y: scrollY,
    focus: document.activeElement?.id ?? '',
    open: [...form.querySelectorAll('details[data-key][open]')].map(({ dataset }) => dataset.key),
    typed: texts(form).map(({ id, value }) => [id, value]),
  };
  sessionStorage.setItem(PLACE, JSON.stringify(place));
}

function returnTo(form) {
  const place = JSON.parse(sessionStorage.getItem(PLACE) ?? 'null');
  sessionStorage.removeItem(PLACE);
  if (place?.path !== location.pathname) return;
  for (const row of form.querySelectorAll('details[data-key]')) {
    if (place.open.includes(row.dataset.key)) row.open = true;
  }
  const typed = new Map(place.typed);
  for (const input of texts(form)) input.value = typed.get(input.id) ?? input.value;
  document.getElementById(place.focus)?.focus({ preventScroll: true });
  scrollTo({ top: place.y, behavior: 'instant' });
}
