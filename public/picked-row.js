// *New …* beside a picker opens the page of a new row in another tab. Once the row is added there, the tab closes and
// the picker shows the row. What was typed stays on this page.
const WAITING = 'picker-waits';
const offered = new WeakSet();
const answerKey = (id) => `picked-${id}`;

/**
 * Lets the link beside a picker fill the picker with the row that is added. Pickers in the lines of a table share one
 * link, which fills the first empty one.
 */
export function offerNew(input) {
  const field = input.closest('.field');
  const { options } = input.dataset;
  const link = field?.querySelector(`[data-picker-new="${options}"]`);
  if (!link || offered.has(link)) return;
  offered.add(link);
  link.addEventListener('click', (event) => {
    event.preventDefault();
    const id = crypto.randomUUID();
    const fill = ({ key, newValue }) => {
      if (key !== answerKey(id) || newValue === null) return;
      removeEventListener('storage', fill);
      localStorage.removeItem(key);
      const pickers = [...field.querySelectorAll(`[data-options="${options}"]`)];
      const picker = pickers.length === 1 ? input : pickers.find(({ value }) => value === '');
      if (!picker) return;
      picker.value = picker.dataset.take === 'title' ? newValue.replace(/ #\d+$/, '') : newValue;
      picker.focus();
      picker.dispatchEvent(new Event('input', { bubbles: true }));
    };
    addEventListener('storage', fill);
    window.open(`${link.href}#${WAITING}-${id}`);
  });
}

/** In the other tab: passes the added row on, and closes the tab. A user who leaves the form adds no row for it. */
export function reportPicked() {
  const { pathname, hash } = location;
  const [, id] = hash.split(`${WAITING}-`);
  if (id && pathname.endsWith('/new')) {
    sessionStorage.setItem(WAITING, JSON.stringify({ id, path: pathname }));
  }
  const waiting = JSON.parse(sessionStorage.getItem(WAITING) ?? 'null');
  if (!waiting) return;
  const row = document.querySelector('[data-picker-text]');
  const form = document.querySelector('form#edit');
  if (form && !row) return showRowAfter(form);
  // A user whose session has ended signs in, and then sends the form again.
  if (/^\/(sign-in|saved-form)/.test(pathname)) return;
  sessionStorage.removeItem(WAITING);
  if (!row || !pathname.startsWith(waiting.path.replace(/new$/, ''))) return;
  localStorage.setItem(answerKey(waiting.id), row.dataset.pickerText);
  window.close();
}

/** Lets every button that saves the form lead to the page of the row, which reports it. */
function showRowAfter(form) {
  form.addEventListener('submit', ({ submitter }) => {
    if (submitter?.name === 'then') submitter.value = 'stay';
  });
}
