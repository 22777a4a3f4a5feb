/**
 * Submits the form as soon as the user changes how a data file is parsed, so that the page shows
 * the result at once.
 */
export function redrawReading() {
  const button = document.querySelector('[data-redraw-button]');
  for (const part of document.querySelectorAll('[data-redraw] select')) {
    part.addEventListener('change', () => {
      if (part.value !== '') part.form.requestSubmit(button);
    });
  }
}
