/**
 * Shows a field only while the choice in another field uses it, such as options for a choice. A hidden field keeps what
 * was typed and is posted with the others. A field with an error is always shown.
 */
export function showUsedFields(root) {
  for (const field of root.querySelectorAll('[data-used-with]')) {
    const { usedWith, usedFor } = field.dataset;
    const chosen = field.closest('form')?.elements.namedItem(usedWith)?.value;
    field.hidden = !usedFor.split(' ').includes(chosen) && !field.matches('.wrong');
  }
}

export function followChoices() {
  showUsedFields(document);
  addEventListener('change', ({ target }) => {
    if (target.matches('select') && target.form) showUsedFields(target.form);
  });
  addEventListener('pageshow', () => showUsedFields(document));
}
