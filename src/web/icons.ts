import { readFileSync } from 'node:fs';

const folder = new URL('../../node_modules/lucide-static/icons/', import.meta.url);
const cache = new Map<string, string>();

/**
 * Returns a Lucide icon as inline SVG. Screen readers skip the icon, because pages always show a
 * word beside it.
 */
export function icon(name: string): string {
  let svg = cache.get(name);
  if (svg === undefined) {
    svg = readFileSync(new URL(`${name}.svg`, folder), 'utf8')
      .replace(/<!--.*?-->\s*/s, '')
      .replace(/class="[^"]*"/, 'class="icon" aria-hidden="true" focusable="false"')
      .replaceAll(/\s+/g, ' ');
    cache.set(name, svg);
  }
  return svg;
}
