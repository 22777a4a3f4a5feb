// Every URL: method, path, who may, handler. `allow` is required: a URL without an access decision does not
// compile. Actions are nouns; forms only post.
import type { RequestHandler } from 'express';
import type { Allow } from './access/guard.ts';
import { choose } from './admin/choosing.ts';
import * as editing from './admin/editing.ts';
import * as admin from './admin/pages.ts';
import * as row from './admin/row-page.ts';
import * as apiKeys from './api/pages.ts';
import * as api from './api/reading.ts';
import * as audit from './audit/pages.ts';
import * as jobs from './jobs/pages.ts';
import * as messages from './messages/pages.ts';
import * as outbox from './messages/outbox-page.ts';
import * as people from './people/pages.ts';
import { showSignIn, signIn, signOut, type openSignIn } from './people/sign-in.ts';
import { begin, finish } from './people/single-sign-on.ts';
import type { Ability } from './access/permissions.ts';
import * as pictures from './pictures/pages.ts';
import * as promotion from './promotion/pages.ts';
import * as refreshing from './promotion/refreshing.ts';
import type { SelectionKind } from './promotion/selections.ts';
import { sheetKinds } from './promotion/sheet-page.ts';
import * as sheet from './promotion/sending.ts';
import { tasks } from './tasks.ts';
import * as kept from './web/kept.ts';
import * as web from './web/handlers.ts';

export type Route = { method: 'get' | 'post'; path: string; allow: Allow; handler: RequestHandler };

export const routes = (signInWith: ReturnType<typeof openSignIn>): Route[] => [
  { method: 'get', path: '/healthcheck', allow: 'anyone', handler: web.healthcheck },
  { method: 'get', path: '/readyz', allow: 'anyone', handler: web.ready },
  { method: 'get', path: '/api/v1/metadata', allow: 'anyone', handler: web.metadata },
  { method: 'get', path: '/api/v1/openapi.json', allow: 'anyone', handler: api.openapi },
  { method: 'get', path: '/api/v1/objects/:name', allow: 'app', handler: web.object },
  { method: 'get', path: '/api/v1/:entity', allow: 'app', handler: api.list },
  { method: 'get', path: '/api/v1/:entity/:id', allow: 'app', handler: api.show },
  { method: 'get', path: '/api-docs', allow: 'look', handler: api.documentation },
  { method: 'get', path: '/api-keys', allow: 'administer', handler: apiKeys.index },
  { method: 'post', path: '/api-keys', allow: 'administer', handler: apiKeys.add },
  {
    method: 'post',
    path: '/api-keys/:id/revocation',
    allow: 'administer',
    handler: apiKeys.revoke,
  },
  { method: 'get', path: '/sign-in', allow: 'anyone', handler: showSignIn },
  { method: 'post', path: '/sign-in', allow: 'anyone', handler: signIn(signInWith) },
  { method: 'get', path: '/sign-in/single', allow: 'anyone', handler: begin(signInWith) },
  { method: 'get', path: '/sign-in/callback', allow: 'anyone', handler: finish(signInWith) },
  { method: 'post', path: '/sign-out', allow: 'anyone', handler: signOut },
  { method: 'get', path: '/kept', allow: 'look', handler: kept.show },
  { method: 'post', path: '/kept/sending', allow: 'look', handler: kept.sendOn },
  { method: 'post', path: '/kept/discarding', allow: 'look', handler: kept.discard },
  { method: 'post', path: '/theme', allow: 'anyone', handler: web.setTheme },

  { method: 'get', path: '/', allow: 'look', handler: admin.home },
  { method: 'get', path: '/search', allow: 'look', handler: admin.search },
  { method: 'get', path: '/objects/:name', allow: 'look', handler: web.object },
  { method: 'get', path: '/admin_tools/:tool{/:business}', allow: 'look', handler: web.formerTool },

  { method: 'get', path: '/catalog/:entity', allow: 'look', handler: admin.list },
  { method: 'get', path: '/catalog/:entity/options', allow: 'look', handler: admin.options },
  { method: 'get', path: '/catalog/:entity/new', allow: 'edit', handler: editing.showNew },
  { method: 'post', path: '/catalog/:entity', allow: 'edit', handler: editing.add },
  { method: 'get', path: '/catalog/:entity/:id', allow: 'look', handler: row.show },
  { method: 'post', path: '/catalog/:entity/:id', allow: 'edit', handler: editing.save },
  {
    method: 'post',
    path: '/catalog/:entity/:id/resolution',
    allow: 'edit',
    handler: editing.resolve,
  },
  {
    method: 'get',
    path: '/catalog/:entity/:id/deletion',
    allow: 'edit',
    handler: editing.showDeletion,
  },
  { method: 'post', path: '/catalog/:entity/:id/deletion', allow: 'edit', handler: editing.remove },
  { method: 'get', path: '/catalog/:entity/:id/history', allow: 'look', handler: row.history },
  {
    method: 'get',
    path: '/catalog/:entity/:id/history/:arrival',
    allow: 'look',
    handler: row.moment,
  },
  {
    method: 'post',
    path: '/catalog/:entity/:id/verdict',
    allow: 'judge',
    handler: promotion.judge,
  },
  {
    method: 'post',
    path: '/catalog/:entity/:id/adoption',
    allow: 'transfer',
    handler: promotion.adopt,
  },
  { method: 'post', path: '/catalog/:entity/:id/hold', allow: 'transfer', handler: promotion.hold },
  {
    method: 'post',
    path: '/catalog/:entity/:id/hold/lifting',
    allow: 'transfer',
    handler: promotion.liftHold,
  },

  { method: 'post', path: '/selections', allow: 'transfer', handler: choose },
  ...sheetRoutes('transfer', 'transfer'),
  {
    method: 'post',
    path: '/selections/:id/removal',
    allow: 'transfer',
    handler: promotion.discardSelection,
  },
  ...sheetRoutes('undo', 'undo'),
  ...sheetRoutes('bring-back', 'bring-back'),
  { method: 'get', path: '/bring-backs', allow: 'bring-back', handler: sheet.showBringBack },
  { method: 'post', path: '/transfers/:number/undo', allow: 'undo', handler: sheet.chooseUndo },
  {
    method: 'post',
    path: '/catalog/:entity/:id/identity',
    allow: 'transfer',
    handler: sheet.giveNewId,
  },
  {
    method: 'post',
    path: '/bring-backs/choice',
    allow: 'bring-back',
    handler: sheet.chooseBringBack,
  },
  {
    method: 'post',
    path: '/transfers/:number/decision',
    allow: 'settle',
    handler: promotion.decideOn,
  },
  { method: 'get', path: '/transfers', allow: 'look', handler: promotion.index },
  { method: 'get', path: '/transfers/:number', allow: 'look', handler: promotion.show },
  { method: 'get', path: '/arrivals', allow: 'look', handler: promotion.arrivals },
  {
    method: 'post',
    path: '/arrivals/:transfer/selection',
    allow: 'transfer',
    handler: promotion.chooseArrived,
  },
  { method: 'get', path: '/waiting', allow: 'look', handler: pictures.waiting },
  { method: 'get', path: '/comparison', allow: 'look', handler: pictures.showComparison },
  { method: 'post', path: '/comparison', allow: 'look', handler: pictures.compare },
  { method: 'get', path: '/changes', allow: 'look', handler: pictures.changes },
  { method: 'get', path: '/selections', allow: 'transfer', handler: promotion.selectionIndex },
  { method: 'get', path: '/names', allow: 'look', handler: promotion.names },
  { method: 'post', path: '/names', allow: 'transfer', handler: promotion.mapName },

  { method: 'get', path: '/copy-downs', allow: 'refresh', handler: refreshing.index },
  { method: 'post', path: '/copy-downs', allow: 'refresh', handler: refreshing.start },
  { method: 'get', path: '/jobs', allow: 'look', handler: jobs.index(tasks) },
  { method: 'get', path: '/jobs/:number', allow: 'look', handler: jobs.show(tasks) },
  { method: 'get', path: '/jobs/:number/events', allow: 'look', handler: jobs.events },
  {
    method: 'post',
    path: '/jobs/:number/cancellation',
    allow: 'refresh',
    handler: jobs.cancel(tasks),
  },

  { method: 'get', path: '/outbox', allow: 'look', handler: outbox.index },
  { method: 'post', path: '/outbox/:id/retry', allow: 'administer', handler: outbox.retry },
  {
    method: 'post',
    path: '/outbox/test-email',
    allow: 'administer',
    handler: outbox.sendTestEmail,
  },

  { method: 'get', path: '/messages', allow: 'look', handler: messages.index },
  { method: 'post', path: '/messages/reading', allow: 'look', handler: messages.markRead },
  { method: 'get', path: '/audit', allow: 'look', handler: audit.index },
  { method: 'get', path: '/people', allow: 'administer', handler: people.index },
  { method: 'get', path: '/people/new', allow: 'administer', handler: people.showNew },
  { method: 'post', path: '/people', allow: 'administer', handler: people.add },
  { method: 'get', path: '/people/:id', allow: 'administer', handler: people.show },
  {
    method: 'post',
    path: '/people/:id/permissions',
    allow: 'administer',
    handler: people.setPermissions,
  },
  {
    method: 'post',
    path: '/people/:id/password',
    allow: 'administer',
    handler: people.setPassword,
  },
  { method: 'post', path: '/people/:id/activity', allow: 'administer', handler: people.setActive },
];

/** A sheet, what is decided on it, its rehearsal and its click. */
function sheetRoutes(kind: SelectionKind, allow: Ability): Route[] {
  const { path, send } = sheetKinds[kind];
  return [
    { method: 'get', path: `${path}/:id`, allow, handler: sheet.showSheet(kind) },
    { method: 'post', path: `${path}/:id/choices`, allow, handler: sheet.decide(kind) },
    { method: 'post', path: `${path}/:id/rehearsal`, allow, handler: sheet.showRehearsal(kind) },
    { method: 'post', path: send, allow, handler: sheet.send(kind) },
  ];
}
