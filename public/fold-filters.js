/** On a narrow screen, folds the filters of a list, so that its rows come into view. A list with active filters has chips. */
export function foldFilters() {
  if (!matchMedia('(max-width: 640px)').matches) return;
  for (const box of document.querySelectorAll('[data-fold-narrow]')) box.open = false;
}
