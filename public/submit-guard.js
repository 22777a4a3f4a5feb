/**
 * Ignores a second click on a submit button while the first request is running. The server would
 * answer the second request like the first.
 */
export function guardForms() {
  for (const form of document.querySelectorAll('form[data-guard]')) {
    form.addEventListener('submit', (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = 'yes';
      const { busy } = event.submitter?.dataset ?? {};
      if (busy) event.submitter.textContent = busy;
    });
  }
  // When the user returns with the Back button, the browser shows the page as it was, with the form
  // still marked as sent. Removes the mark, so that the form can be sent again.
  addEventListener('pageshow', () => {
    for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
  });
}
