import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** The axe rules that depend on colours, which are repeated in dark mode. */
const ofColour = ['color-contrast', 'link-in-text-block'];

/**
 * The problems that the accessibility checker axe finds on a page (WCAG 2.2 AA and best practice), one line each: in
 * light mode by all rules, in dark mode by those about colours.
 */
export async function findingsOn(page: Page): Promise<string[]> {
  await page.emulateMedia({ colorScheme: 'light' });
  const inLight = await lines(page, new AxeBuilder({ page }).withTags(standards));
  await page.emulateMedia({ colorScheme: 'dark' });
  const inDark = await lines(page, new AxeBuilder({ page }).withRules(ofColour));
  return [...inLight, ...inDark.map((line) => `dark: ${line}`)];
}

async function lines(page: Page, axe: AxeBuilder): Promise<string[]> {
  // Pages have no frames, so axe needs no second window to merge results.
  const { violations } = await axe.setLegacyMode(true).analyze();
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${page.url()}: ${id}: ${node.html.slice(0, 160)}`),
  );
}

/** Collects what the content security policy blocks, on this and every later page. */
export function watchPolicy(page: Page): string[] {
  const blocked: string[] = [];
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) blocked.push(message.text());
  });
  page.on('pageerror', (error) => blocked.push(error.message));
  return blocked;
}
