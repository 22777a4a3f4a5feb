/** Reads a data file again as soon as a choice of its reading is changed. */
export function redrawReading() {
  const button = document.querySelector('[data-redraw-button]');
  for (const part of document.querySelectorAll('[data-redraw] select')) {
    part.addEventListener('change', () => {
      if (part.value !== '') part.form.requestSubmit(button);
    });
  }
}
