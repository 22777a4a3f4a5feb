// Shows the API documentation as a page for people. The page is generated from the OpenAPI document.
import type { Request, Response } from 'express';
import type { Entity } from '../catalog/entity.ts';
import { catalog } from '../catalog/index.ts';
import { page } from '../web/pages.ts';
import { accountPaths } from './account-paths.ts';
import { datasetPaths } from './dataset-paths.ts';
import { describe, LIMIT, readingOrder } from './openapi.ts';

const addressOf = ({ here }: Request) => here.settings.urls[here.name] ?? '/';
const describeHere = (req: Request) => describe(addressOf(req), req.here.rules.label);

export const openapi = (req: Request, res: Response) => res.json(describeHere(req));

export async function documentation(req: Request, res: Response) {
  const { paths, components } = describeHere(req);
  await page(req, res, 'api/documentation', {
    title: 'API for apps',
    crumbs: [{ text: 'API for apps' }],
    address: addressOf(req) === '/' ? '' : addressOf(req),
    readingOrder,
    signedPaths: pathLines(datasetPaths),
    accountPaths: pathLines(accountPaths),
    parameters: (paths as Paths)['/api/v1/task']?.get.parameters.map(parameterLine) ?? [],
    types: catalog.map((entity) => ({
      ...entity,
      fields: fieldLines(components.schemas as Schemas, entity),
    })),
  });
}

const pathLines = (paths: Record<string, object>) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, Operation>).map(([method, one]) => ({
      request: `${method.toUpperCase()} ${path}`,
      summary: one.summary,
      parameters: (one.parameters ?? [])
        .filter(({ in: place }) => place === 'query')
        .map(({ name }) => name)
        .join(', '),
    })),
  );

type Operation = { summary: string; parameters?: { name: string; in: string }[] };
type Described = { name: string; description?: string };
type Paths = Record<string, { get: { parameters: Described[] } }>;

const parameterLine = ({ name, description }: Described) => ({
  name,
  meaning: description ?? `Items in a page, from 1 to ${LIMIT}; 100 if nothing is said.`,
});

type Property = {
  type?: string | string[];
  items?: { type?: string; properties?: object };
  format?: string;
  description?: string;
  title?: string;
};
type Schemas = Record<string, { properties: Record<string, Property> }>;

const fieldLines = (schemas: Schemas, { name }: Entity) =>
  Object.entries(schemas[name]?.properties ?? {}).map(([field, property]) => ({
    name: field,
    type: typeText(property),
    meaning: property.description ?? property.title ?? '',
  }));

function typeText({ type, items, format }: Property): string {
  if (items) {
    const parts = items.properties ? Object.keys(items.properties).join(' with ') : items.type;
    return `list of ${parts}`;
  }
  // In the schema of a row, only the field `deleted` has no type, because its value is always
  // false.
  const text = type === undefined ? 'false' : [type].flat().join(' or ');
  return format ? `${text} (${format})` : text;
}
