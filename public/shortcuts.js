import { goToActions } from './bulk-select.js';

/**
 * Keyboard shortcuts: `/` moves to the search field, `x` moves from ticked rows to their actions, `?` lists the shortcuts, Ctrl+S or ⌘+S saves,
 * Ctrl+Enter or ⌘+Enter confirms, and Escape closes open menus. Single keys
 * have no effect while the user types into a field, and the user can switch them off.
 */
export function listenForShortcuts() {
  offerList();
  addEventListener('keydown', (event) => {
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand && event.key === 's') press(event, '[data-shortcut-save]');
    else if (isCommand && event.key === 'Enter') press(event, '[data-shortcut-confirm]');
    else if (event.key === 'Escape') closeMenus();
    else if (!isCommand && !isTyping(event.target) && areSingleKeysOn()) {
      if (event.key === '/') focusSearch(event);
      else if (event.key === '?') showList(event);
      else if (event.key === 'x' && !list()?.open && goToActions()) event.preventDefault();
    }
  });
}

/** Closes the open menus. A menu that had the focus gives it to its button. */
function closeMenus() {
  for (const menu of document.querySelectorAll('details[data-menu][open]')) {
    if (menu.contains(document.activeElement)) menu.querySelector('summary').focus();
    menu.open = false;
  }
}

const OFF = 'single-keys-off';
const areSingleKeysOn = () => localStorage.getItem(OFF) === null;
const list = () => document.querySelector('[data-shortcuts]');

function offerList() {
  const button = document.querySelector('[data-show-shortcuts]');
  if (!button) return;
  button.hidden = false;
  button.addEventListener('click', showList);
  const box = document.querySelector('[data-single-keys]');
  box.checked = areSingleKeysOn();
  box.addEventListener('change', () => {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, 'yes');
  });
}

function showList(event) {
  const dialog = list();
  if (!dialog || dialog.open) return;
  event.preventDefault();
  dialog.showModal();
}

function focusSearch(event) {
  if (list()?.open) return;
  event.preventDefault();
  // A narrow window shows a link to the search page instead of the field.
  const shown = [...document.querySelectorAll('[data-shortcut="/"]')].find((one) =>
    one.checkVisibility(),
  );
  if (shown?.matches('a')) shown.click();
  else shown?.focus();
}

const typesInto = 'textarea, select, input:not([type="checkbox"], [type="radio"])';
const isTyping = (element) => element.matches(typesInto) || element.isContentEditable;

function press(event, selector) {
  const button = document.querySelector(selector);
  if (!button) return;
  event.preventDefault();
  button.click();
}
