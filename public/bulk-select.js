/** Says how many rows are ticked, and ticks all of a page. */
export function countTicks() {
  const form = document.querySelector('form[data-bulk]');
  const bar = form?.querySelector('[data-bulk-bar]');
  if (!bar) return;
  const all = form.querySelector('[data-bulk-all]');
  const ticks = [...form.querySelectorAll('input[name="rows"]')];
  const say = () => {
    const { length } = ticks.filter((tick) => tick.checked);
    bar.querySelector('[data-bulk-count]').textContent =
      length === 0 ? 'Tick rows to transfer them.' : `${length} ticked.`;
    bar.querySelector('[data-bulk-send]').disabled = length === 0;
    all.checked = length === ticks.length;
    all.indeterminate = length > 0 && length < ticks.length;
  };
  all.addEventListener('change', () => {
    for (const tick of ticks) tick.checked = all.checked;
    say();
  });
  form.addEventListener('change', say);
  addEventListener('pageshow', say);
  say();
}
