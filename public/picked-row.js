// *New …* beside a picker opens the page of a new row in another tab. Once the row is added there, the tab closes and
// the picker shows the row. What was typed stays on this page.
const WAITING = 'picker-waits';
const answerKey = (id) => `picked-${id}`;

/** Lets the link beside a picker fill the picker with the row that is added. */
export function offerNew(input) {
  const link = input.closest('.field')?.querySelector('[data-picker-new]');
  if (!link) return;
  link.addEventListener('click', (event) => {
    event.preventDefault();
    const id = crypto.randomUUID();
    const fill = ({ key, newValue }) => {
      if (key !== answerKey(id) || newValue === null) return;
      removeEventListener('storage', fill);
      localStorage.removeItem(key);
      input.value = newValue;
      input.focus();
      input.dispatchEvent(new Event('input', { bubbles: true }));
    };
    addEventListener('storage', fill);
    window.open(`${link.href}#${WAITING}-${id}`);
  });
}

/** In the other tab: passes the added row on, and closes the tab. */
export function reportPicked() {
  const [, id] = location.hash.split(`${WAITING}-`);
  if (id) sessionStorage.setItem(WAITING, JSON.stringify({ id, path: location.pathname }));
  const waiting = JSON.parse(sessionStorage.getItem(WAITING) ?? 'null');
  const row = document.querySelector('[data-picker-text]');
  if (!waiting || !row || !location.pathname.startsWith(waiting.path.replace(/new$/, ''))) return;
  sessionStorage.removeItem(WAITING);
  localStorage.setItem(answerKey(waiting.id), row.dataset.pickerText);
  window.close();
}
