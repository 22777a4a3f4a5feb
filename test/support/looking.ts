// Looks at pages in the browser: what axe finds, and whether they fit on a phone.
import type { Page } from 'playwright-core';
import { findingsOn } from './axe.ts';

/** Returns a function that records in `found` what axe finds on a page, and whether the page scrolls sideways at 360 px. */
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
