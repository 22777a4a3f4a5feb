/** Reports the time zone of the browser, in which pages show times until the person chooses another one. */
export function reportZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || document.cookie.includes(`browser-zone=${zone}`)) return;
  document.cookie = `browser-zone=${zone}; path=/; max-age=31536000; samesite=lax`;
}
