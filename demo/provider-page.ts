export const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

/** The only page of the demo’s sign-in provider, on which a person types e-mail and password. */
export const signInPage = ({
  email,
  isWrong,
}: {
  email: string;
  isWrong: boolean;
}) => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${isWrong ? 'Error: ' : ''}Sign in once for all three environments</title>
  <style>
    body { max-width: 26rem; margin: 10vh auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }
    label { display: block; margin-top: 1rem; }
    input, button { box-sizing: border-box; width: 100%; min-height: 2.5rem; font: inherit; }
    button { margin-top: 1.5rem; }
  </style>
</head>
<body>
<main>
  <h1>Sign in</h1>
  <p>The provider of the demo: once for staging, pre-production and production.</p>
  ${isWrong ? '<p role="alert"><strong>E-mail or password is wrong. Try again.</strong></p>' : ''}
  <form method="post">
    <label for="email">E-mail</label>
    <input id="email" name="email" type="email" autocomplete="username" required value="${escaped(email)}">
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="current-password" required>
    <button>Sign in</button>
  </form>
</main>
</body>
</html>
`;
