// Takes the pictures of the README from a running demo: node demo/screenshots.ts
import { openBrowser, openContext, signIn } from '../test/support/browser.ts';
import { logins } from './seed.ts';

const port = Number(process.env['DEMO_PORT'] ?? '3001');
const url = (step: number) => `http://localhost:${port + step}`;
const picture = (name: string) => `docs/images/${name}.png`;

const browser = await openBrowser();
const page = await (await openContext(browser, { width: 1280, height: 860 })).newPage();
const { email = '', password = '' } = logins[0] ?? {};

await signIn(page, url(0), email, password);
await page.goto(`${url(0)}/catalog/task`);
await page.screenshot({ path: picture('list') });
await page.goto(`${url(0)}/catalog/form/304`);
await page.getByRole('button', { name: 'Transfer…' }).click();
await page.waitForURL(/selections/);
await page.screenshot({ path: picture('sheet') });
await page.goto(`${url(0)}/catalog/task/2010`);
await page.getByRole('button', { name: 'Transfer…' }).click();
await page.waitForURL(/selections/);
await page.screenshot({ path: picture('changed-there') });
await signIn(page, url(1), email, password);
await page.goto(`${url(1)}/changes?hours=720`);
await page.screenshot({ path: picture('what-changed') });
await browser.close();
