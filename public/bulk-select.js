/**
 * Shows a bar with actions as soon as a row of a list is ticked. One checkbox ticks or unticks all rows of the page;
 * only then the bar offers what concerns all of them.
 */
export function countTicks() {
  for (const form of document.querySelectorAll('form[data-bulk]')) countIn(form);
}

function countIn(form) {
  const bar = form.querySelector('[data-bulk-bar]');
  if (!bar) return;
  const all = form.querySelector('[data-bulk-all]');
  const ticks = [...form.querySelectorAll('input[name="rows"]')];
  const counter = bar.querySelector('[data-bulk-count]');
  const show = () => {
    const { length } = ticks.filter((tick) => tick.checked);
    const isAll = length === ticks.length;
    bar.hidden = length === 0;
    counter.textContent = isAll && length > 1 ? `All ${length} ticked.` : `${length} ticked.`;
    for (const part of bar.querySelectorAll('[data-bulk-when-all]')) offer(part, isAll);
    for (const button of bar.querySelectorAll('[data-bulk-many]')) {
      const { bulkOne, bulkMany } = button.dataset;
      const text = length === 1 ? bulkOne : bulkMany.replace('#', String(length));
      button.querySelector('span').textContent = text;
    }
    if (!all) return;
    all.checked = length > 0 && isAll;
    all.indeterminate = length > 0 && !isAll;
  };
  all?.addEventListener('change', () => {
    for (const tick of ticks) tick.checked = all.checked;
    show();
  });
  form.addEventListener('change', show);
  addEventListener('pageshow', show);
  show();
}

/** Shows a part of the bar. A checkbox in a hidden part is unticked, so that it does not count unseen. */
function offer(part, isOffered) {
  part.hidden = !isOffered;
  if (isOffered) return;
  for (const box of part.querySelectorAll('input[type="checkbox"]')) box.checked = false;
}
