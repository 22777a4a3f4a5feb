// Tests that the formatter of the views (bin/prettier-ejs.ts) changes only the white space between tags.
import { expect, test } from 'vitest';
import { format } from 'prettier';
import * as ejs from '../bin/prettier-ejs.ts';

const formatted = (view: string) =>
  format(view, { parser: 'ejs', plugins: [ejs], printWidth: 60, bracketSameLine: true });

test.each([
  [
    'an attribute in a condition stays one attribute',
    '<option value="<%= it %>"<% if (it === chosen) { %>selected<% } %>><%= it %></option>',
    [
      '<option',
      '  value="<%= it %>"',
      '  <% if (it === chosen) { %>selected<% } %>>',
      '  <%= it %>',
      '</option>',
    ],
  ],
  [
    'a scriptlet within the value of an attribute stays as it is',
    '<a class="row<% if (a > b) { %> wide<% } %>" href="/<%= x["y"] %>">Go</a>',
    [
      '<a',
      '  class="row<% if (a > b) { %> wide<% } %>"',
      '  href="/<%= x["y"] %>"',
      '  >Go</a',
      '>',
    ],
  ],
  [
    'conditions and includes on their own lines stay there, and values flow with the text',
    '<p>\n<% if (a > 1) { %>\nSaved by\n<%= person %>\nin\n<%= place %>.\n<% } %>\n<%- include("more") %>\n</p>',
    [
      '<p>',
      '  <% if (a > 1) { %>',
      '  Saved by <%= person %> in <%= place %>.',
      '  <% } %>',
      '  <%- include("more") %>',
      '</p>',
    ],
  ],
  [
    'no white space is added between a word and a tag',
    '<p>Saved<% if (by) { %> by <b><%= by %></b><% } %>, <%= when %></p>',
    ['<p>', '  Saved<% if (by) { %> by <b><%= by %></b><% } %>,', '  <%= when %>', '</p>'],
  ],
  [
    'the lines of a long scriptlet move with its first line',
    "<div><p>\n<%- include('table', {\n  rows,\n}) %>\n</p></div>",
    [
      '<div>',
      '  <p>',
      "    <%- include('table', {",
      '      rows,',
      '    }) %>',
      '  </p>',
      '</div>',
    ],
  ],
  [
    'an element after a prettier-ignore comment stays as it is',
    '<%# prettier-ignore: line breaks show -%>\n<b   class="a"><%# -%>\n  <%_ x %></b>',
    ['<%# prettier-ignore: line breaks show -%>', '<b   class="a"><%# -%>', '  <%_ x %></b>'],
  ],
])('the formatter of views: %s', async (_, view, lines) => {
  const once = await formatted(view);
  expect(once.split('\n')).toEqual([...lines, '']);
  expect(await formatted(once)).toBe(once);
});
