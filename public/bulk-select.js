/** Shows how many rows of a list are ticked. One checkbox ticks or unticks all rows. */
export function countTicks() {
  for (const form of document.querySelectorAll('form[data-bulk]')) countIn(form);
}

function countIn(form) {
  const bar = form.querySelector('[data-bulk-bar]');
  if (!bar) return;
  const all = form.querySelector('[data-bulk-all]');
  const ticks = [...form.querySelectorAll('input[name="rows"]')];
  const counter = bar.querySelector('[data-bulk-count]');
  const invitation = counter.textContent;
  const say = () => {
    const { length } = ticks.filter((tick) => tick.checked);
    counter.textContent = length === 0 ? invitation : `${length} ticked.`;
    bar.querySelector('[data-bulk-send]').disabled = length === 0;
    if (!all) return;
    all.checked = length > 0 && length === ticks.length;
    all.indeterminate = length > 0 && length < ticks.length;
  };
  all?.addEventListener('change', () => {
    for (const tick of ticks) tick.checked = all.checked;
    say();
  });
  form.addEventListener('change', say);
  addEventListener('pageshow', say);
  say();
}
