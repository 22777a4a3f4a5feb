/** Carries the e-mail that is typed on the sign-in page into the link to the form for a new password. */
export function carryEmail() {
  const link = document.querySelector('[data-carry-email]');
  const email = document.querySelector('#f-email');
  if (!link || !email) return;
  link.addEventListener('click', () => {
    const query = new URLSearchParams(email.value ? { email: email.value } : {});
    link.search = query.toString();
  });
}
