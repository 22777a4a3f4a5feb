// Lists every URL with its method, path, permission, body and handler. The type Route requires `allow` and `body`, so
// a URL without an access rule or a body limit does not compile. An action in a URL is a noun, such as `removal`, and
// forms only use POST.
import type { RequestHandler } from 'express';
import type { Allow } from './access/guard.ts';
import * as accounts from './account-moves/api.ts';
import * as accountMoves from './account-moves/account-pages.ts';
import { arrivalText } from './account-moves/live.ts';
import * as moves from './account-moves/pages.ts';
import * as waves from './account-moves/wave-pages.ts';
import { bulkActions } from './catalog-pages/bulk-actions.ts';
import { askBulk, runBulk } from './catalog-pages/bulk-page.ts';
import { addToSelection, choose } from './catalog-pages/choose.ts';
import * as deletions from './catalog-pages/deletion-page.ts';
import * as pickers from './catalog-pages/option-pages.ts';
import * as editing from './catalog-pages/edit.ts';
import { exportList, exportTicked } from './catalog-pages/export-page.ts';
import * as admin from './catalog-pages/pages.ts';
import * as row from './catalog-pages/row.ts';
import * as savedViews from './catalog-pages/saved-view-pages.ts';
import * as apiKeys from './api/pages.ts';
import * as apiDocs from './api/documentation-page.ts';
import * as api from './api/reading.ts';
import * as audit from './audit/pages.ts';
import * as backups from './backups/pages.ts';
import * as checks from './datasets/check-pages.ts';
import * as datafiles from './datasets/datafile-pages.ts';
import * as datasets from './datasets/dataset-pages.ts';
import * as references from './datasets/reference-pages.ts';
import * as uploads from './datasets/upload-pages.ts';
import * as help from './home/help-page.ts';
import * as home from './home/pages.ts';
import * as inboxPages from './inbox/pages.ts';
import * as inbox from './inbox/reading.ts';
import * as deadLetters from './jobs/dead-letters-page.ts';
import * as jobList from './jobs/list-page.ts';
import * as jobs from './jobs/pages.ts';
import * as messagesBridge from './messages/bridge-routes.ts';
import * as messages from './messages/pages.ts';
import * as outbox from './messages/outbox-page.ts';
import * as account from './people/account-page.ts';
import * as peopleBridge from './people/bridge-routes.ts';
import * as closing from './people/closing-pages.ts';
import * as passwordReset from './people/reset-pages.ts';
import * as invitation from './people/invitation-pages.ts';
import * as newPeople from './people/new-pages.ts';
import * as peopleList from './people/list-page.ts';
import * as people from './people/pages.ts';
import * as pipelineRuns from './pipeline/pages.ts';
import * as previews from './preview/pages.ts';
import { showSignIn, signIn, signOut, type openSignIn } from './people/sign-in.ts';
import { begin, finish } from './people/single-sign-on.ts';
import type { Ability } from './access/permissions.ts';
import * as comparison from './comparison/pages.ts';
import { changes } from './overviews/changes-page.ts';
import * as overviews from './overviews/pages.ts';
import * as transferList from './transfers/list-page.ts';
import * as transfers from './transfers/pages.ts';
import * as scheduling from './transfers/schedule-pages.ts';
import * as approvals from './transfers/approval-pages.ts';
import * as arrivals from './transfers/arrivals.ts';
import * as nameMappings from './transfers/name-mapping-pages.ts';
import * as rowActions from './transfers/row-actions.ts';
import { send } from './transfers/send-page.ts';
import * as testedRows from './transfers/test-results-page.ts';
import * as refresh from './refresh/pages.ts';
import type { SelectionKind } from './sheet/selections.ts';
import { sheetKinds } from './sheet/sheet-kinds.ts';
import { upcoming } from './sheet/schedules.ts';
import { offeredSelections } from './sheet/selection-list-page.ts';
import * as selectionList from './sheet/selection-list-page.ts';
import * as selectionPages from './sheet/selection-pages.ts';
import * as sheet from './sheet/routes.ts';
import { showSheetPreview } from './sheet/preview-page.ts';
import * as signedApi from './signed-api/reading.ts';
import * as triggers from './signed-api/triggers.ts';
import * as sources from './sources/pages.ts';
import * as bridge from './staging/bridge-routes.ts';
import * as databases from './staging/database-pages.ts';
import * as stagingEnvironments from './staging/environment-pages.ts';
import * as stagingJobs from './staging/job-pages.ts';
import { schedules, tasks } from './tasks.ts';
import * as body from './web/form/body.ts';
import type { Body, FormBody } from './web/form/body.ts';
import * as savedForm from './web/saved-form.ts';
import * as web from './web/handlers.ts';
import { ready } from './web/ready.ts';

export type Route = {
  method: 'get' | 'post';
  path: string;
  allow: Allow;
  body: Body;
  handler: RequestHandler;
  /**
   * Whether the route works in the copy (staging database) that the user has opened in the browser.
   * All other routes use the databases of this server’s own environment.
   */
  servesCopies: boolean;
};

const get = (path: string, allow: Allow, handler: RequestHandler): Route => ({
  method: 'get',
  path,
  allow,
  body: body.none,
  handler,
  servesCopies: false,
});
const post = (path: string, allow: Allow, of: FormBody, handler: RequestHandler): Route => ({
  method: 'post',
  path,
  allow,
  body: of,
  handler,
  servesCopies: false,
});
const uploadTo = (path: string, allow: Allow, handler: RequestHandler): Route => ({
  method: 'post',
  path,
  allow,
  body: body.upload,
  handler,
  servesCopies: false,
});
const fromClient = (path: string, handler: RequestHandler): Route => ({
  method: 'post',
  path,
  allow: 'hawk',
  body: body.raw,
  handler,
  servesCopies: false,
});
const fromServer = (path: string, handler: RequestHandler): Route => ({
  method: 'post',
  path,
  allow: 'bridge',
  body: body.json,
  handler,
  servesCopies: false,
});
const fromProgram = (path: string, handler: RequestHandler): Route => ({
  method: 'post',
  path,
  allow: 'account',
  body: body.json,
  handler,
  servesCopies: false,
});
const inCopies = (routes: Route[]): Route[] =>
  routes.map((route) => ({ ...route, servesCopies: true }));

export const routes = (signInWith: ReturnType<typeof openSignIn>): Route[] => [
  get('/healthcheck', 'anyone', web.healthcheck),
  get('/readyz', 'anyone', ready),
  get('/api/v1/metadata', 'anyone', web.metadata),
  get('/api/v1/openapi.json', 'anyone', apiDocs.openapi),
  get('/api/v1/table-data', 'hawk', signedApi.list),
  get('/api/v1/table-data/:organisation/:name', 'hawk', signedApi.page),
  get('/api/v1/table-structure/:organisation/:name', 'hawk', signedApi.structure),
  fromClient('/api/v1/source-runs', triggers.requestRuns),
  get('/api/v1/source-runs/:number', 'hawk', triggers.showRun),
  get('/api/v1/objects/:name', 'app', api.object),
  get('/api/v1/accounts', 'account', accounts.index),
  fromProgram('/api/v1/accounts', accounts.add),
  fromProgram('/api/v1/accounts/:id', accounts.confirm),
  get('/api/v1/accounts/:id/channels', 'account', inbox.channels),
  get('/api/v1/accounts/:id/threads', 'account', inbox.threads),
  get('/api/v1/accounts/:id/threads/:thread/messages', 'account', inbox.messages),
  get(
    '/api/v1/accounts/:id/messages/:position/attachments/:attachment',
    'account',
    inbox.attachment,
  ),
  fromProgram('/api/v1/start-migration', accounts.start),
  fromProgram('/api/v1/migrate', accounts.migrate),
  get('/api/v1/check-migration', 'account', accounts.check),
  get('/api/v1/:entity', 'app', api.list),
  get('/api/v1/:entity/:id', 'app', api.show),
  get('/api-docs', 'look', apiDocs.documentation),
  get('/api-keys', 'administer', apiKeys.index),
  post('/api-keys', 'administer', body.small, apiKeys.add),
  post('/api-keys/:id/rotation', 'administer', body.small, apiKeys.rotate),
  post('/api-keys/:id/keys/:key/revocation', 'administer', body.small, apiKeys.revoke),
  get('/sign-in', 'anyone', showSignIn),
  post('/sign-in', 'anyone', body.tiny, signIn(signInWith)),
  get('/sign-in/single', 'anyone', begin(signInWith)),
  get('/sign-in/callback', 'anyone', finish(signInWith)),
  post('/sign-out', 'anyone', body.tiny, signOut),
  get('/password-reset', 'anyone', passwordReset.show),
  post('/password-reset', 'anyone', body.tiny, passwordReset.ask(signInWith)),
  get('/invitation', 'anyone', invitation.show),
  post('/invitation', 'anyone', body.tiny, invitation.accept),
  get('/help', 'look', help.show),
  get('/account', 'look', account.show),
  post('/account/emails', 'look', body.small, account.saveEmails),
  post('/account/password', 'look', body.tiny, account.changePassword(signInWith)),
  get('/saved-form', 'look', savedForm.show),
  post('/saved-form/sending', 'look', body.any, savedForm.sendOn),
  post('/saved-form/removal', 'look', body.small, savedForm.discard),
  post('/theme', 'anyone', body.tiny, web.setTheme),
  post('/zone', 'look', body.tiny, account.saveZone),

  ...inCopies([
    get('/', 'look', home.home),
    get('/search', 'look', admin.search),
    get('/objects/:name', 'look', web.object),
    get('/admin_tools/:tool{/:business}', 'look', web.formerTool),

    get('/catalog/:entity', 'look', admin.list),
    get('/catalog/:entity/options', 'look', pickers.options),
    get('/catalog/:entity/export', 'look', exportList),
    get('/catalog/:entity/views/:id', 'look', savedViews.open),
    post('/catalog/:entity/views', 'look', body.small, savedViews.save),
    post('/catalog/:entity/views/:id', 'look', body.small, savedViews.change),
    post('/catalog/:entity/views/:id/removal', 'look', body.small, savedViews.remove),
    get('/catalog/:entity/new', 'edit', editing.showNew),
    post('/catalog/:entity', 'edit', body.row, editing.add),
    get('/catalog/:entity/:id', 'look', row.show),
    post('/catalog/:entity/:id', 'edit', body.row, editing.save),
    post('/catalog/:entity/:id/resolution', 'edit', body.conflict, editing.resolve),
    get('/catalog/:entity/:id/deletion', 'edit', deletions.showDeletion),
    post('/catalog/:entity/:id/deletion', 'edit', body.small, deletions.remove),
    get('/catalog/:entity/:id/preview', 'look', previews.showStored),
    get('/catalog/:entity/:id/history', 'look', row.history),
    get('/catalog/:entity/:id/history/:arrival', 'look', row.moment),
    post('/catalog/:entity/:id/test-result', 'judge', body.small, rowActions.recordTestResult),
    post('/catalog/:entity/:id/adoption', 'transfer', body.small, rowActions.adopt),
    post('/catalog/:entity/:id/hold', 'transfer', body.small, rowActions.hold),
    post('/catalog/:entity/:id/hold/removal', 'transfer', body.small, rowActions.removeHold),
    post('/bulk/:entity/export', 'look', body.ticks, exportTicked),
    ...bulkActions.flatMap((action) => [
      post(`/bulk/:entity/${action.name}`, action.ability, body.ticks, askBulk(action)),
      post(
        `/bulk/:entity/${action.name}/confirmation`,
        action.ability,
        body.ticks,
        runBulk(action),
      ),
    ]),
    get('/changes', 'look', changes),
    get('/transfers', 'look', transferList.index),
    get('/transfers/export', 'look', transferList.exportTransfers),
    get('/transfers/:number', 'look', transfers.show),
    get('/transfers/of/:transfer', 'look', transfers.showOf),
  ]),

  post('/selections', 'transfer', body.ticks, choose),
  post('/selections/additions', 'transfer', body.ticks, addToSelection),
  get('/selections', 'transfer', selectionList.index),
  get('/selections/export', 'transfer', selectionList.exportSelections),
  get('/selections/new', 'transfer', selectionPages.showNew),
  post('/selections/new', 'transfer', body.small, selectionPages.begin),
  ...sheetRoutes('transfer', 'transfer'),
  post('/selections/:id/naming', 'transfer', body.sheet, selectionPages.keepDraft),
  post('/selections/:id/rows/removal', 'transfer', body.ticks, selectionPages.removeRows),
  get('/selections/:id/schedule', 'transfer', scheduling.showSchedule),
  post('/selections/:id/schedule', 'transfer', body.small, scheduling.saveSchedule),
  post('/selections/:id/schedule/cancellation', 'transfer', body.small, scheduling.cancelSchedule),
  get('/selections/:id/removal', 'transfer', selectionPages.showRemoval),
  post('/selections/:id/removal', 'transfer', body.small, selectionPages.discardSelection),
  ...sheetRoutes('undo', 'undo'),
  ...sheetRoutes('restore', 'restore'),
  post('/takeovers/choice', 'take-over', body.ticks, sheet.chooseTakeover),
  ...sheetRoutes('takeover', 'take-over'),
  ...sheetRoutes('undo-here', 'take-over'),
  get('/approvals', 'transfer', approvals.index),
  get('/approvals/:id', 'transfer', approvals.show),
  post('/approvals/:id/approval', 'transfer', body.small, approvals.approve),
  post('/approvals/:id/refusal', 'transfer', body.small, approvals.refuse),
  post('/approvals/:id/withdrawal', 'transfer', body.small, approvals.withdraw),
  get('/restores', 'restore', sheet.showRestore),
  post('/transfers/:number/undo', 'undo', body.ticks, sheet.chooseUndo),
  post('/catalog/:entity/:id/identity', 'transfer', body.small, sheet.giveNewId),
  post('/restores/choice', 'restore', body.small, sheet.chooseRestore),
  post('/transfers/:number/decision', 'settle', body.small, transfers.resolve),
  get('/arrivals', 'look', arrivals.arrivals),
  post('/arrivals/:transfer/test-results', 'judge', body.ticks, testedRows.recordTestResults),
  post('/arrivals/:transfer/selection', 'transfer', body.ticks, arrivals.chooseArrived),
  get('/pending', 'look', overviews.pending),
  get('/comparison', 'look', comparison.showComparison(offeredSelections)),
  post('/comparison', 'look', body.small, comparison.compare),
  get('/name-mappings', 'look', nameMappings.names),
  post('/name-mappings', 'transfer', body.small, nameMappings.mapName),

  get('/refreshes', 'refresh', refresh.index),
  post('/refreshes', 'refresh', body.small, refresh.start),
  get('/jobs', 'look', jobList.index(tasks, schedules, upcoming)),
  get('/jobs/export', 'look', jobList.exportJobs(tasks)),
  get('/jobs/:number', 'look', jobs.show(tasks)),
  get('/jobs/:number/events', 'look', jobs.events),
  post('/jobs/:number/cancellation', 'refresh', body.small, jobs.cancel(tasks)),
  post('/jobs/:number/retry', 'refresh', body.small, jobs.retry(tasks)),
  post('/schedules/:name/run', 'administer', body.small, jobs.runSchedule(schedules)),
  get('/backups', 'administer', backups.index),
  post('/backups', 'administer', body.small, backups.start),
  get('/dead-letters', 'look', deadLetters.index(tasks)),
  post('/dead-letters/:id/retry', 'administer', body.small, deadLetters.retry),
  get('/dead-letters/:id/discarding', 'administer', deadLetters.showDiscarding),
  post('/dead-letters/:id/discarding', 'administer', body.small, deadLetters.discard(tasks)),

  get('/staging/environments', 'administer', stagingEnvironments.index),
  get('/staging/environments/new', 'administer', stagingEnvironments.showNew),
  post('/staging/environments', 'administer', body.small, stagingEnvironments.add),
  get('/staging/environments/:id', 'administer', stagingEnvironments.show),
  post('/staging/environments/:id', 'administer', body.small, stagingEnvironments.save),
  post('/staging/environments/:id/test', 'administer', body.small, stagingEnvironments.test),
  get('/staging/jobs', 'run-staging', stagingJobs.index),
  get('/staging/jobs/new', 'run-staging', stagingJobs.showNew),
  post('/staging/jobs', 'run-staging', body.small, stagingJobs.add),
  get('/staging/jobs/:number', 'run-staging', stagingJobs.show),
  get('/staging/jobs/:number/events', 'run-staging', stagingJobs.events),
  get('/staging/jobs/:number/edit', 'run-staging', stagingJobs.showEdit),
  post('/staging/jobs/:number', 'run-staging', body.small, stagingJobs.save),
  post('/staging/jobs/:number/run', 'run-staging', body.small, stagingJobs.run),
  post('/staging/jobs/:number/removal', 'run-staging', body.small, stagingJobs.remove),
  get('/databases', 'look', databases.index),
  post('/databases/leaving', 'look', body.small, databases.leave),
  get('/databases/:name', 'look', databases.show),
  post('/databases/:name/opening', 'look', body.small, databases.open),
  post('/databases/:name/keeping', 'look', body.small, databases.keep),
  post('/databases/:name/protection', 'look', body.small, databases.protect),
  post('/databases/:name/update', 'look', body.small, databases.update),
  post('/databases/:name/removal', 'look', body.small, databases.remove),
  fromServer('/bridge/orders', bridge.order),
  fromServer('/bridge/orders/states', bridge.states),
  fromServer('/bridge/drops', bridge.drop),
  fromServer('/bridge/callbacks', bridge.callback),
  fromServer('/bridge/people', peopleBridge.known),
  fromServer('/bridge/messages', messagesBridge.list),
  fromServer('/bridge/messages/unread', messagesBridge.unread),
  fromServer('/bridge/messages/reading', messagesBridge.markRead),

  get('/datasets', 'look', datasets.index),
  get('/datasets/new', 'manage-data', datasets.showNew),
  post('/datasets', 'manage-data', body.small, datasets.add),
  get('/datasets/:id', 'look', datasets.show),
  get('/datasets/:id/download', 'look', datasets.download),
  get('/datasets/:id/settings', 'manage-data', datasets.showSettings),
  post('/datasets/:id/settings', 'manage-data', body.small, datasets.save),
  get('/datasets/:id/versions', 'look', datasets.showVersions),
  post('/datasets/:id/versions', 'manage-data', body.small, datasets.restore),
  get('/datasets/:id/references', 'look', references.show),
  post('/datasets/:id/references', 'edit', body.ticks, references.add),
  get('/datasets/:id/uploads/new', 'manage-data', uploads.showNew),
  uploadTo('/datasets/:id/uploads', 'manage-data', uploads.upload),
  get('/uploads/:id', 'look', uploads.show),
  get('/datafiles', 'look', datafiles.index),
  get('/datafiles/:id', 'look', datafiles.show),
  get('/datafiles/:id/file', 'look', datafiles.download),
  get('/datafiles/:id/rejects', 'look', checks.rejects),
  get('/datafiles/:id/check', 'manage-data', checks.show),
  post('/datafiles/:id/reading', 'manage-data', body.sheet, checks.choose),
  post('/datafiles/:id/loading', 'manage-data', body.sheet, checks.load),
  post('/datafiles/:id/reopening', 'manage-data', body.small, datafiles.loadAgain),
  post('/datafiles/:id/acceptance', 'manage-data', body.small, datafiles.acceptColumns),
  post('/datafiles/:id/ignoring', 'manage-data', body.small, datafiles.ignore),
  get('/sources', 'look', sources.index),
  get('/sources/new', 'administer', sources.showNew),
  post('/sources', 'administer', body.small, sources.add),
  get('/sources/:id', 'look', sources.show),
  get('/sources/:id/edit', 'administer', sources.showEdit),
  post('/sources/:id', 'administer', body.small, sources.save),
  post('/sources/:id/run', 'manage-data', body.small, sources.runNow),
  post('/sources/:id/files/:file/fetch', 'manage-data', body.small, sources.fetchAgain),

  get('/account-moves', 'look', moves.index),
  post('/account-moves', 'move-accounts', body.small, moves.add),
  post('/account-moves/retries', 'move-accounts', body.small, moves.retryAccounts),
  post('/account-moves/record-retries', 'move-accounts', body.small, moves.retryRecords),
  get('/account-moves/waves', 'look', waves.index),
  get('/account-moves/waves/new', 'move-accounts', waves.showNew),
  post('/account-moves/waves', 'move-accounts', body.lines, waves.add),
  get('/account-moves/waves/:id', 'look', waves.show),
  get('/account-moves/waves/:id/pause', 'move-accounts', waves.showStep),
  post('/account-moves/waves/:id/pause', 'move-accounts', body.small, waves.pause),
  get('/account-moves/waves/:id/resumption', 'move-accounts', waves.showStep),
  post('/account-moves/waves/:id/resumption', 'move-accounts', body.small, waves.resume),
  get('/account-moves/:account', 'look', accountMoves.show),
  get('/account-moves/:account/events', 'look', accountMoves.events),
  post('/account-moves/:account/run', 'move-accounts', body.small, accountMoves.run),
  get('/account-moves/:account/next-run', 'move-accounts', accountMoves.showAgain),
  post('/account-moves/:account/next-run', 'move-accounts', body.small, accountMoves.moveAgain),
  post(
    '/account-moves/:account/records/retry',
    'move-accounts',
    body.small,
    accountMoves.retryRecords,
  ),
  get('/account-moves/:account/records/discarding', 'move-accounts', accountMoves.showDiscarding),
  post(
    '/account-moves/:account/records/discarding',
    'move-accounts',
    body.small,
    accountMoves.discardRecords,
  ),
  get('/inbox/:account', 'read-inbox', inboxPages.show(arrivalText)),
  get('/inbox/:account/messages/:position', 'read-inbox', inboxPages.message),
  get('/inbox/:account/attachments/:position/:id', 'read-inbox', inboxPages.attachment),
  get('/inbox/:account/images/:position/:id', 'read-inbox', inboxPages.image),

  get('/pipeline-runs', 'look', pipelineRuns.index),
  get('/pipeline-runs/:number', 'look', pipelineRuns.show),
  post('/pipeline-runs/:number/resumption', 'manage-data', body.small, pipelineRuns.resume),

  get('/outbox', 'look', outbox.index),
  post('/outbox/:id/retry', 'administer', body.small, outbox.retry),
  post('/outbox/test-email', 'administer', body.small, outbox.sendTestEmail),

  get('/messages', 'look', messages.index),
  post('/messages/reading', 'look', body.small, messages.markRead),
  get('/audit', 'look', audit.index),
  get('/audit/export', 'look', audit.exportHistory),
  get('/people', 'administer', peopleList.index),
  get('/people/export', 'administer', peopleList.exportPeople),
  get('/people/new', 'administer', newPeople.showNew),
  post('/people', 'administer', body.small, newPeople.add),
  get('/people/:id', 'administer', people.show),
  post('/people/:id/permissions', 'administer', body.small, people.setPermissions),
  post('/people/:id/invitation', 'administer', body.small, people.invite),
  post('/people/:id/single-sign-on/removal', 'administer', body.small, people.unlink),
  get('/people/:id/closing', 'administer', closing.show),
  post('/people/:id/closing', 'administer', body.small, closing.close),
  post('/people/:id/reopening', 'administer', body.small, people.reopen),
];

/**
 * Returns the routes of a transfer sheet: they show the sheet, save its choices, rehearse the
 * transfer (try it on MySQL and roll back), and start the transfer.
 */
function sheetRoutes(kind: SelectionKind, allow: Ability): Route[] {
  const { path, send: click } = sheetKinds[kind];
  return [
    get(`${path}/:id`, allow, sheet.showSheet(kind)),
    get(`${path}/:selection/preview/:entity/:id`, allow, showSheetPreview(kind)),
    post(`${path}/:id/choices`, allow, body.sheet, sheet.saveSheetChoices(kind)),
    post(`${path}/:id/rehearsal`, allow, body.sheet, sheet.showRehearsal(kind)),
    post(`${path}/:id/approval`, 'transfer', body.sheet, approvals.ask(kind)),
    post(click, allow, body.sheet, send(kind)),
  ];
}
