/** Shows how far a job is, and loads its page anew when it has ended. */
export function followJob() {
  const place = document.querySelector('[data-job]');
  if (!place) return;
  const bar = place.querySelector('progress');
  const words = place.querySelector('[data-job-words]');
  const numbers = new Intl.NumberFormat('en-GB');
  const source = new EventSource(`/jobs/${place.dataset.job}/events`);
  let saidAt = 0;
  source.addEventListener('message', ({ data }) => {
    const { state, done, total, doing } = JSON.parse(data);
    if (state !== 'running' && state !== 'waiting') {
      source.close();
      location.reload();
    }
    if (total > 0) {
      bar.max = total;
      bar.value = done;
    }
    // A screen reader is told at most every ten seconds.
    if (Date.now() - saidAt > 10_000 || doing !== place.dataset.doing) {
      saidAt = Date.now();
      place.dataset.doing = doing;
      const howFar = total > 0 ? `: ${numbers.format(done)} of ${numbers.format(total)} rows` : '';
      words.textContent = `${doing || 'Waiting for its turn'}${howFar}`;
    }
  });
}
