/**
 * Keyboard shortcuts: `/` moves to the search field, Ctrl+S or ⌘+S saves, Ctrl+Enter or ⌘+Enter
 * confirms, and Escape closes the menu of the signed-in person. `/` has no effect while the user
 * types into a field.
 */
export function listenForShortcuts() {
  addEventListener('keydown', (event) => {
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand && event.key === 's') press(event, '[data-shortcut-save]');
    else if (isCommand && event.key === 'Enter') press(event, '[data-shortcut-confirm]');
    else if (event.key === '/' && !isCommand && !isTyping(event.target)) {
      event.preventDefault();
      document.querySelector('[data-shortcut="/"]')?.focus();
    } else if (event.key === 'Escape') {
      for (const open of document.querySelectorAll('details.person[open]')) open.open = false;
    }
  });
}

const isTyping = (element) => /^(input|select|textarea)$/i.test(element.tagName);

function press(event, selector) {
  const button = document.querySelector(selector);
  if (!button) return;
  event.preventDefault();
  button.click();
}
