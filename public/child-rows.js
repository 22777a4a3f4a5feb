// Edits dependent rows on the page of their parent row: adds, duplicates and moves rows without asking the server. The
// same buttons work without script.
import { offerOptions } from './combobox.js';
import { showLines } from './list-lines.js';
import { showUsedFields } from './used-fields.js';

export function editChildren() {
  for (const section of document.querySelectorAll('[data-children]')) edit(section);
}

function edit(section) {
  const list = section.querySelector('[data-child-list]');
  const act = {
    add: () => opened(insert(section, fromTemplate(section), null)),
    copy: (row) => opened(insert(section, copyOf(row), row)),
    up: (row) => row.previousElementSibling?.before(row),
    down: (row) => row.nextElementSibling?.after(row),
  };
  section.addEventListener('click', (event) => {
    const button = event.target.closest('button[name="arrange"]');
    if (!button) return;
    event.preventDefault();
    const [verb] = button.value.split(' ');
    act[verb]?.(button.closest('[data-child]'));
    if (verb === 'up' || verb === 'down') {
      arrange(section);
      button.focus();
    } else count(section);
  });
  section.addEventListener('input', ({ target }) => {
    const row = target.closest('[data-child]');
    if (row && target.name === row.dataset.child + section.dataset.title) {
      row.querySelector('[data-child-name]').textContent = target.value;
    }
  });
  if (section.dataset.order) letDrag(section, list);
}

const rowsIn = (section) => [...section.querySelectorAll('[data-child]')];
const orderOf = (section, row) =>
  row.querySelector(`[name="${row.dataset.child}${section.dataset.order}"]`);

/** Numbers the rows by their places. They keep their numbers where these rise; equal ones are raised. */
function arrange(section) {
  const rows = rowsIn(section);
  if (section.dataset.order) {
    const numbers = rows
      .map((row) => Number(orderOf(section, row).value) || 0)
      .toSorted((one, other) => one - other);
    let last = 0;
    for (const [index, row] of rows.entries()) {
      last = Math.max(numbers[index], last + 1);
      orderOf(section, row).value = last;
    }
  }
  count(section);
}

function count(section) {
  section.querySelector('[data-child-count]').textContent = rowsIn(section).length;
  section.closest('form').dispatchEvent(new Event('input'));
}

function fromTemplate(section) {
  const { children } = section.dataset;
  const template = document.querySelector(`template[data-child-template="${children}"]`);
  return template.content.querySelector('[data-child]').cloneNode(true);
}

/** Copies a row with its typed values; secrets, files and the stored version are left out. */
function copyOf(row) {
  const copy = row.cloneNode(true);
  const typed = [...row.querySelectorAll('input, select, textarea')];
  for (const [index, input] of [...copy.querySelectorAll('input, select, textarea')].entries()) {
    if (input.type === 'file') input.value = '';
    else if (input.type === 'password') emptySecret(input);
    else if (input.type === 'checkbox') input.checked = typed[index].checked;
    else input.value = typed[index].value;
  }
  const own = ['_version', '_gone', '_removed'].map((name) => row.dataset.child + name);
  for (const input of copy.querySelectorAll('input')) {
    if (!own.includes(input.name) && !input.name.endsWith('_typed')) continue;
    if (input.type === 'checkbox') input.checked = false;
    else input.remove();
  }
  for (const part of copy.querySelectorAll(
    '.badge, .tag, .child-body > p:last-child, .line-editor',
  )) {
    part.remove();
  }
  for (const picker of copy.querySelectorAll('.picker')) {
    picker.replaceWith(picker.querySelector('input'));
  }
  return copy;
}

/** Takes a secret out of a copy, with what the page says about the stored one. */
function emptySecret(input) {
  input.value = '';
  for (const part of input.closest('.field').querySelectorAll('.hint:not([id]), .tick')) {
    part.remove();
  }
}

/** Inserts a new row behind another one, or as the last one, with names of its own. */
function insert(section, row, after) {
  const { children, order } = section.dataset;
  const numbers = rowsIn(section).map((one) => /\.n(\d+)\.$/.exec(one.dataset.child)?.[1] ?? 0);
  const former = row.dataset.child;
  const ref = `${children}.n${1 + Math.max(0, ...numbers.map(Number))}.`;
  for (const element of [row, ...row.querySelectorAll('*')]) {
    for (const { name, value } of element.attributes) {
      if (value.includes(former)) element.setAttribute(name, value.replaceAll(former, ref));
    }
  }
  const list = section.querySelector('[data-child-list]');
  if (order) {
    const orders = rowsIn(section).map((one) => Number(orderOf(section, one).value) || 0);
    orderOf(section, row).value = 1 + Math.max(0, ...orders);
  }
  if (after && !order) after.after(row);
  else list.append(row);
  showLines(row);
  showUsedFields(row);
  offerOptions(row);
  if (order) letMove(row);
  return row;
}

function opened(row) {
  row.querySelector('details').open = true;
  row.querySelector('details input:not([type="hidden"]), details select')?.focus();
}

function letMove(row) {
  row.dataset.canDrag = '';
  const grip = row.querySelector('[data-child-grip]');
  grip.addEventListener('pointerdown', () => (row.draggable = true));
  grip.addEventListener('pointerup', () => (row.draggable = false));
}

function letDrag(section, list) {
  let dragged = null;
  for (const row of rowsIn(section)) letMove(row);
  list.addEventListener('dragstart', (event) => {
    // Only the grip makes a row draggable. Links and selected texts inside it can be dragged, too.
    dragged = event.target.draggable && event.target.matches('[data-child]') ? event.target : null;
    if (!dragged) return;
    dragged.classList.add('dragged');
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData('text/plain', '');
  });
  list.addEventListener('dragover', (event) => {
    if (!dragged) return;
    event.preventDefault();
    const over = event.target.closest('[data-child]');
    if (!over || over === dragged) return;
    const { top, height } = over.getBoundingClientRect();
    if (event.clientY > top + height / 2) over.after(dragged);
    else over.before(dragged);
  });
  list.addEventListener('drop', (event) => event.preventDefault());
  list.addEventListener('dragend', () => {
    if (!dragged) return;
    dragged.classList.remove('dragged');
    dragged.draggable = false;
    dragged = null;
    arrange(section);
  });
}
