// The three kinds of index (list of data files) that the invented publisher serves: JSON, HTML and CKAN; and its home
// page.
import { createHash } from 'node:crypto';
import { escaped } from '../provider-page.ts';
import type { Published, PublishedFile } from './data.ts';

const below = (files: Published, folder: string): [string, PublishedFile][] =>
  [...files].filter(([path]) => path.startsWith(`/files/${folder}/`));
const nameOf = (path: string) => path.split('/').at(-1) ?? '';
const hrefOf = (path: string) => path.split('/').map(encodeURIComponent).join('/');
const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex').slice(0, 20);

export const jsonIndex = (files: Published) => ({
  publisher: 'Office for City Statistics',
  result: {
    files: below(files, 'cities').map(([path, { content }]) => ({
      title: nameOf(path),
      href: hrefOf(path),
      bytes: content.length,
      digest: digest(content),
    })),
  },
});

export const htmlIndex = (files: Published) =>
  page(
    'Rainfall',
    `<p><a href="/">Home</a></p>
  <ul>
    ${below(files, 'rainfall')
      .map(([path]) => `<li><a href="${escaped(hrefOf(path))}">${escaped(nameOf(path))}</a></li>`)
      .join('\n    ')}
  </ul>
  <p><a href="/files/rainfall/readme.txt">How it is measured</a></p>`,
  );

/** Returns the answer of `package_show` of CKAN’s API; null for an unknown package. */
export function ckanAnswer(files: Published, id: string, origin: string) {
  if (id !== 'ridership') return null;
  const resources = below(files, 'ridership').map(([path, { content }], position) => ({
    id: `9d2f1c1e-0000-4000-8000-00000000000${position}`,
    name: `Ridership ${/\d{4}/.exec(path)?.[0] ?? ''}`,
    format: 'CSV',
    url: `${origin}${hrefOf(path)}`,
    size: content.length,
    hash: '',
    position,
  }));
  const manual = { id: 'manual', name: 'Manual', format: 'PDF', url: `${origin}/files/manual.pdf` };
  return { success: true, result: { name: 'ridership', resources: [...resources, manual] } };
}

export const homePage = (files: Published) =>
  page(
    'Office for City Statistics',
    `<p>An invented publisher. Its files: <a href="/cities.json">cities (JSON)</a>, <a href="/rainfall/">rainfall (HTML)</a>,
  <a href="/api/3/action/package_show?id=ridership">ridership (CKAN)</a>.</p>
  <ul>
    ${[...files].map(([path, file]) => `<li>${escaped(path)}${file.mended ? mendButton(path) : ''}</li>`).join('\n    ')}
  </ul>`,
  );

const mendButton = (path: string) =>
  ` <form method="post" action="/mending?path=${encodeURIComponent(path)}"><button>Correct this file</button></form>`;

const page = (title: string, body: string) => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${title}</title>
  <style>body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; }</style>
</head>
<body>
<main>
  <h1>${title}</h1>
  ${body}
</main>
</body>
</html>
`;
