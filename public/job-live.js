/** Shows the progress of a job, and reloads its page when the job has ended. */
export function followJob() {
  const place = document.querySelector('[data-job]');
  if (!place) return;
  const bar = place.querySelector('progress');
  const words = place.querySelector('[data-job-words]');
  const live = document.querySelector('[data-job-live]');
  const numbers = new Intl.NumberFormat('en-GB');
  const source = new EventSource(place.dataset.job);
  const liveStates = ['running', 'waiting', 'waiting_children'];
  let announcedAt = 0;
  source.addEventListener('message', ({ data }) => {
    const job = JSON.parse(data);
    const { state, done, total, doing } = job;
    if (!liveStates.includes(state)) {
      source.close();
      location.reload();
    }
    if (total > 0) {
      bar.max = total;
      bar.value = done;
    }
    // This HTML is safe to insert, because the server’s template has escaped all values in it. The
    // HTML is not replaced while the keyboard focus is inside it, because the user would lose the
    // focus.
    if (live && job.live !== undefined && !live.contains(document.activeElement)) {
      live.innerHTML = job.live;
    }
    // A screen reader announces each change of this text, so the text changes only every ten
    // seconds or when a new step begins.
    if (Date.now() - announcedAt > 10_000 || doing !== place.dataset.doing) {
      announcedAt = Date.now();
      place.dataset.doing = doing;
      const progress = total > 0 ? `: ${numbers.format(done)} of ${numbers.format(total)}` : '';
      words.textContent = `${doing || 'Waiting'}${progress}`;
    }
  });
}
