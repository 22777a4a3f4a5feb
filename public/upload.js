/** Uploads a file and shows a progress bar. The user can also drop a file onto the form. */
export function showUploads() {
  const form = document.querySelector('[data-upload]');
  if (!form) return;
  const input = form.querySelector('input[type=file]');
  const place = form.querySelector('[data-upload-progress]');
  const bar = place.querySelector('progress');
  const words = place.querySelector('[data-upload-words]');
  const error = form.querySelector('[data-upload-error]');
  const megabytes = (bytes) =>
    `${(bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} MB`;
  const fail = (text) => {
    error.textContent = text;
    error.hidden = false;
    place.hidden = true;
    form.querySelector('button').disabled = false;
  };
  const drop = form.querySelector('.drop');
  for (const name of ['dragenter', 'dragover']) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add('dragged');
    });
  }
  drop.addEventListener('dragleave', () => drop.classList.remove('dragged'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('dragged');
    const { files } = event.dataTransfer;
    if (files.length > 1) fail(`Drop one file at a time: these are ${files.length}.`);
    if (files.length !== 1) return;
    error.hidden = true;
    input.files = files;
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const [file] = input.files;
    if (!file) return fail('Choose a file.');
    error.hidden = true;
    if (file.size > Number(form.dataset.limit)) {
      fail(
        `This file has ${megabytes(file.size)}. Choose one of ${form.dataset.limitText} or less.`,
      );
      return;
    }
    send(file);
  });
  const send = (file) => {
    const request = new XMLHttpRequest();
    let arrived = 0;
    let announcedAt = 0;
    place.hidden = false;
    form.querySelector('button').disabled = true;
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      arrived = loaded;
      bar.max = total;
      bar.value = loaded;
      // A screen reader announces each change of this text, so the text changes only every ten
      // seconds.
      if (Date.now() - announcedAt < 10_000 && loaded < total) return;
      announcedAt = Date.now();
      words.textContent =
        loaded < total
          ? `${megabytes(loaded)} of ${megabytes(total)}`
          : 'Uploaded. The file is being examined.';
    });
    request.addEventListener('load', () => {
      if (request.status < 400) {
        location.assign(request.responseURL);
        return;
      }
      // Shows the message of the error page here, instead of opening the error page, so that the
      // chosen file stays chosen.
      const answer = new DOMParser().parseFromString(request.responseText, 'text/html');
      const text = answer.querySelector('main p')?.textContent?.trim();
      fail(text || `The server refused the file (${request.status}).`);
    });
    request.addEventListener('error', () =>
      fail(
        `The connection broke after ${megabytes(arrived)} of ${megabytes(file.size)}. Nothing was stored: upload it again.`,
      ),
    );
    request.open('POST', form.action);
    request.send(new FormData(form));
  };
}
