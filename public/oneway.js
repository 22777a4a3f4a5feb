// Adds small features to pages. All pages also work without this script.
import { guardForms } from './submit-guard.js';
import { followChoices } from './used-fields.js';
import { warnOfUnsaved } from './dirty-form.js';
import { countTicks } from './bulk-select.js';
import { editChildren } from './child-rows.js';
import { showLines } from './list-lines.js';
import { offerOptions } from './combobox.js';
import { reportPicked } from './picked-row.js';
import { returnWhenOpen } from './until-open.js';
import { followJob } from './job-live.js';
import { redrawReading } from './redraw.js';
import { loadPreviews } from './preview.js';
import { listenForShortcuts } from './shortcuts.js';
import { reportZone } from './time-zone.js';
import { applyChoices } from './sheet-choices.js';
import { showUploads } from './upload.js';
import { carryEmail } from './carried-email.js';

guardForms();
reportZone();
showLines(document);
editChildren();
followChoices();
warnOfUnsaved();
countTicks();
offerOptions();
reportPicked();
loadPreviews();
listenForShortcuts();
returnWhenOpen();
followJob();
redrawReading();
showUploads();
applyChoices();
carryEmail();

// Moves the keyboard focus to the problem of a page, or after a search to the results.
const isFound = new URLSearchParams(location.search).has('q');
document.querySelector(`[data-focus]${isFound ? ', #main' : ''}`)?.focus();

const settling = document.querySelector('[data-reload]');
if (settling) setTimeout(() => location.reload(), Number(settling.dataset.reload));
