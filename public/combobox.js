/** Suggests rows while the user types into a picker: fills a native datalist from the server. */
export function offerOptions() {
  for (const input of document.querySelectorAll('input[data-options]')) {
    const list = document.createElement('datalist');
    list.id = `${input.id}-options`;
    input.after(list);
    input.setAttribute('list', list.id);
    let asked = 0;
    const ask = async () => {
      const turn = (asked += 1);
      const answer = await fetch(`${input.dataset.options}?q=${encodeURIComponent(input.value)}`);
      if (!answer.ok || turn !== asked) return;
      const { options } = await answer.json();
      list.replaceChildren(
        ...options.map((value) => Object.assign(document.createElement('option'), { value })),
      );
    };
    let pause;
    const askSoon = () => {
      clearTimeout(pause);
      pause = setTimeout(() => ask().catch(() => {}), 150);
    };
    input.addEventListener('focus', askSoon);
    input.addEventListener('input', askSoon);
  }
}
