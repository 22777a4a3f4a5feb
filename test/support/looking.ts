// Checks pages in the browser: with the accessibility checker axe, and whether they fit on a phone.
import type { Page } from 'playwright-core';
import { findingsOn } from './axe.ts';

/**
 * Returns a function that adds to `found` the problems that axe finds on a page, and a problem if the page scrolls
 * sideways at a width of 360 px.
 */
export const lookInto =
  (found: string[], { height }: { height: number }) =>
  async (page: Page) => {
    found.push(...(await findingsOn(page)));
    await page.setViewportSize({ width: 360, height: 900 });
    const isWide = await page.evaluate(
      'document.documentElement.scrollWidth > document.documentElement.clientWidth',
    );
    if (isWide) found.push(`${page.url()} scrolls sideways`);
    await page.setViewportSize({ width: 1280, height });
  };
