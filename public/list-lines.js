/** Shows the lines of a textarea as rows that can be added, moved and removed. The textarea is posted. */
export function showLines(root) {
  for (const area of root.querySelectorAll('textarea[data-list]')) show(area);
}

function show(area) {
  const label = area.closest('.field').querySelector('label')?.firstChild.textContent.trim();
  const editor = document.createElement('div');
  editor.className = 'line-editor';
  editor.setAttribute('role', 'group');
  editor.setAttribute('aria-label', label);
  const list = document.createElement('ol');
  list.className = 'line-rows';
  const lines = () => [...list.querySelectorAll('input')].map(({ value }) => value);
  const store = () => {
    area.value = lines().join('\n');
    area.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const number = () => {
    for (const [index, input] of [...list.querySelectorAll('input')].entries()) {
      input.setAttribute('aria-label', `${label} ${index + 1}`);
    }
  };
  const add = (text, before = null) => {
    const row = document.createElement('li');
    const input = Object.assign(document.createElement('input'), { value: text });
    input.autocomplete = 'off';
    input.addEventListener('input', (event) => {
      event.stopPropagation();
      store();
    });
    input.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      add('', row.nextElementSibling).focus();
      store();
    });
    row.append(
      input,
      button('↑', 'Move up', () => row.previousElementSibling?.before(row)),
      button('↓', 'Move down', () => row.nextElementSibling?.after(row)),
      button('×', 'Remove', () => row.remove()),
    );
    list.insertBefore(row, before);
    number();
    return input;
  };
  const button = (sign, name, act) => {
    const made = Object.assign(document.createElement('button'), { type: 'button' });
    made.className = 'button small icon-only';
    made.textContent = sign;
    made.title = name;
    made.setAttribute('aria-label', name);
    made.addEventListener('click', () => {
      act();
      number();
      store();
      (made.isConnected ? made : more).focus();
    });
    return made;
  };
  const more = button('+', `Add to ${label}`, () => add('').focus());
  more.textContent = `Add to ${label}`;
  more.removeAttribute('aria-label');
  more.addEventListener('click', () => list.lastElementChild?.querySelector('input').focus());
  for (const line of area.value.split('\n')) if (line !== '') add(line);
  editor.append(list, more);
  // Links to the field, such as those of the error summary, lead to the rows.
  editor.id = area.id || `f-${area.name}`;
  editor.tabIndex = -1;
  const about = area.getAttribute('aria-describedby');
  if (about) editor.setAttribute('aria-describedby', about);
  area.removeAttribute('id');
  area.hidden = true;
  area.after(editor);
}
