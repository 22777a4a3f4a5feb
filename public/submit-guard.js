/** A second click while the first is under way does nothing; the server would answer it the same way. */
export function guardForms() {
  for (const form of document.querySelectorAll('form[data-guard]')) {
    form.addEventListener('submit', (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = 'yes';
      const { busy } = event.submitter?.dataset ?? {};
      if (busy) event.submitter.textContent = busy;
    });
  }
  // Coming back by the browser's history shows the page as it was left.
  addEventListener('pageshow', () => {
    for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
  });
}
