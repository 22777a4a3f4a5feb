/**
 * Shows a bar with actions as soon as a row of a list is ticked. One checkbox ticks or unticks all rows of the page;
 * only then the bar offers what concerns all of them. From a ticked row, a link beside its tick and the key x lead to
 * the bar, which is far away for someone who uses the Tab key.
 */
export function countTicks() {
  for (const form of document.querySelectorAll('form[data-bulk]')) countIn(form);
}

function countIn(form) {
  const bar = form.querySelector('[data-bulk-bar]');
  if (!bar) return;
  const all = form.querySelector('[data-bulk-all]');
  const ticks = [...form.querySelectorAll('input[name="rows"]')];
  const link = linkTo(bar);
  const report = reportIn(form);
  const warning = warningBeside(form.parentElement.querySelector('.pager .pages'));
  const counter = bar.querySelector('[data-bulk-count]');
  const show = () => {
    const { length } = ticks.filter((tick) => tick.checked);
    const isAll = length === ticks.length;
    bar.hidden = length === 0;
    counter.textContent = isAll && length > 1 ? `All ${length} ticked.` : `${length} ticked.`;
    if (length === 0) link.remove();
    warning.textContent =
      length === 0 ? '' : `${counted(length)} not carried over to another page.`;
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
  form.addEventListener('change', ({ target }) => {
    show();
    if (target !== all && !ticks.includes(target)) return;
    report.textContent = bar.hidden ? 'No row ticked.' : `${counter.textContent} ${WAY}`;
  });
  // Beside the ticked row that the keyboard is at, so that the next press of Tab reaches the link.
  const placeLink = ({ target }) => {
    if (target.checked && (target === all || ticks.includes(target)))
      target.closest('label').after(link);
  };
  form.addEventListener('change', placeLink);
  form.addEventListener('focusin', placeLink);
  addEventListener('pageshow', show);
  show();
}

const counted = (length) => (length === 1 ? '1 ticked row is' : `${length} ticked rows are`);

const WAY = 'Press Tab, then Enter, to go to the actions.';

function linkTo(bar) {
  const link = document.createElement('a');
  bar.id ||= `actions-${document.querySelectorAll('[data-bulk-bar][id]').length}`;
  link.href = `#${bar.id}`;
  link.className = 'to-actions';
  link.textContent = 'Go to the actions';
  link.addEventListener('click', (event) => {
    event.preventDefault();
    focusActions(bar);
  });
  return link;
}

/** Makes the place that warns of losing ticks, beside the links to the other pages of a list, if it has any. */
function warningBeside(pages) {
  const warning = document.createElement('p');
  pages?.before(warning);
  return warning;
}

/** Makes the place where a screen reader finds how many rows are ticked. */
function reportIn(form) {
  const report = document.createElement('p');
  report.className = 'hidden';
  report.setAttribute('role', 'status');
  form.append(report);
  return report;
}

/** Moves the keyboard to the bar of the list that it is in, or of the first list with ticked rows. */
export function goToActions() {
  const own = document.activeElement?.closest('form[data-bulk]');
  const bars = [own, document].flatMap((place) => [
    ...(place?.querySelectorAll('[data-bulk-bar]:not([hidden])') ?? []),
  ]);
  if (bars.length > 0) focusActions(bars[0]);
  return bars.length > 0;
}

/** The page scrolls only if the bar is out of view. */
const focusActions = (bar) =>
  [...bar.querySelectorAll('a, button, summary, input')]
    .find((one) => one.checkVisibility())
    ?.focus({ preventScroll: isInView(bar) });

function isInView(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}

/** Shows a part of the bar. A checkbox in a hidden part is unticked, so that it does not count unseen. */
function offer(part, isOffered) {
  part.hidden = !isOffered;
  if (isOffered) return;
  for (const box of part.querySelectorAll('input[type="checkbox"]')) box.checked = false;
}
