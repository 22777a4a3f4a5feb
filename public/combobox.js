// Suggests rows while the user types into a picker, by the ARIA pattern of a combobox with a list. The server searches.
import { offerNew } from './picked-row.js';

const PAUSE = 150;
let numbered = 0;

export function offerOptions(root = document) {
  for (const input of root.querySelectorAll('input[data-options]')) offer(input);
}

function offer(input) {
  numbered += 1;
  const list = document.createElement('ul');
  list.id = `options-${numbered}`;
  list.className = 'options';
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', 'Suggestions');
  list.hidden = true;
  // The names of the page, which serve browsers without script, are not suggested twice.
  input.removeAttribute('list');
  input.setAttribute('role', 'combobox');
  input.setAttribute('aria-autocomplete', 'list');
  input.setAttribute('aria-controls', list.id);
  input.setAttribute('aria-expanded', 'false');
  const place = document.createElement('span');
  place.className = 'picker';
  input.before(place);
  place.append(input, list);
  let asked = 0;
  let chosen = -1;
  const choose = (index) => {
    chosen = index;
    for (const [place, option] of [...list.children].entries()) {
      option.setAttribute('aria-selected', String(place === index));
      if (place === index) option.scrollIntoView({ block: 'nearest' });
    }
    const active = list.children[index];
    if (active) input.setAttribute('aria-activedescendant', active.id);
    else input.removeAttribute('aria-activedescendant');
  };
  const show = (isOpen) => {
    list.hidden = !isOpen || list.children.length === 0;
    input.setAttribute('aria-expanded', String(!list.hidden));
    if (list.hidden) choose(-1);
  };
  const take = (option) => {
    input.value = option.dataset.value;
    show(false);
    input.dispatchEvent(new Event('input', { bubbles: true }));
    // Taking an option is no typing, so it asks for no further options.
    clearTimeout(pause);
    asked += 1;
  };
  const ask = async () => {
    const turn = (asked += 1);
    const answer = await fetch(`${input.dataset.options}?q=${encodeURIComponent(input.value)}`);
    if (!answer.ok) return;
    const { options } = await answer.json();
    if (turn !== asked || document.activeElement !== input) return;
    list.replaceChildren(...options.map((one, index) => optionFor(one, `${list.id}-${index}`)));
    choose(-1);
    show(true);
  };
  const optionFor = ({ text, title, context }, id) => {
    const option = document.createElement('li');
    option.id = id;
    option.setAttribute('role', 'option');
    option.setAttribute('aria-selected', 'false');
    option.dataset.value = input.dataset.take === 'title' ? title : text;
    const small = document.createElement('small');
    small.textContent = context;
    option.append(title, ' ', small);
    return option;
  };
  let pause;
  const askSoon = () => {
    clearTimeout(pause);
    pause = setTimeout(() => ask().catch(() => {}), PAUSE);
  };
  input.addEventListener('focus', askSoon);
  input.addEventListener('input', askSoon);
  input.addEventListener('blur', () => show(false));
  // Keeps the focus in the input while the user clicks an option.
  list.addEventListener('mousedown', (event) => event.preventDefault());
  list.addEventListener('click', ({ target }) => {
    const option = target.closest('[role="option"]');
    if (option) take(option);
  });
  input.addEventListener('keydown', (event) => {
    const last = list.children.length - 1;
    if (event.key === 'ArrowDown' && list.hidden) ask().catch(() => {});
    else if (event.key === 'ArrowDown') choose(chosen >= last ? 0 : chosen + 1);
    else if (event.key === 'ArrowUp' && !list.hidden) choose(chosen <= 0 ? last : chosen - 1);
    else if (event.key === 'Enter' && chosen >= 0) take(list.children[chosen]);
    else if (event.key === 'Escape' && !list.hidden) show(false);
    else return;
    event.preventDefault();
  });
  offerNew(input);
}
