import axe, { type AxeResults, type RunOnly, type RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';

const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** The axe rules that depend on colours. They are checked in dark mode as well as in light mode. */
const ofColour = ['color-contrast', 'link-in-text-block'];

/**
 * Returns the problems that the accessibility checker axe finds on a page (WCAG 2.2 AA and best practice), one line
 * each. Light mode is checked with all rules, dark mode with the rules about colours.
 */
export async function findingsOn(page: Page): Promise<string[]> {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.evaluate(axe.source);
  const inLight = await lines(page, { type: 'tag', values: standards });
  await page.emulateMedia({ colorScheme: 'dark' });
  const inDark = await lines(page, { type: 'rule', values: ofColour });
  return [...inLight, ...inDark.map((line) => `dark: ${line}`)];
}

async function lines(page: Page, runOnly: RunOnly): Promise<string[]> {
  // For speed, axe reports only violations in detail and preloads only media.
  const options: RunOptions = {
    runOnly,
    resultTypes: ['violations'],
    preload: { assets: ['media'] },
  };
  const text = JSON.stringify(options);
  const { violations } = await page.evaluate<Pick<AxeResults, 'violations'>>(
    `axe.run(document, ${text}).then(({ violations }) => ({ violations }))`,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${page.url()}: ${id}: ${node.html.slice(0, 160)}`),
  );
}

/** Collects what the content security policy blocks, and uncaught errors, on this and every later page. */
export function watchPolicy(page: Page): string[] {
  const blocked: string[] = [];
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) blocked.push(message.text());
  });
  page.on('pageerror', (error) => blocked.push(error.message));
  return blocked;
}
