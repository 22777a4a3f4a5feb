// The icon and the text with which pages show the state of a data file or an upload.
import type { DatafileState } from './registry.ts';
import type { UploadState } from './uploads.ts';

type Look = { icon: string; text: string };

const uploadLooks: Record<UploadState, Look> = {
  uploading: { icon: 'loader', text: 'Uploading' },
  uploaded: { icon: 'hourglass', text: 'Waits to be checked' },
  verified: { icon: 'hourglass', text: 'Waits to be loaded' },
  processing_dss: { icon: 'loader', text: 'Loading rows' },
  processing_dataflow: { icon: 'loader', text: 'Loaded; the pipeline runs' },
  completed: { icon: 'circle-check', text: 'Completed' },
  failed: { icon: 'circle-x', text: 'Failed' },
};
export const uploadLook = (state: UploadState): Look => uploadLooks[state];

const datafileLooks: Record<DatafileState, Look> = {
  processing: { icon: 'loader', text: 'Processing' },
  processed: { icon: 'circle-check', text: 'Processed' },
  failed: { icon: 'circle-x', text: 'Failed' },
  ignored: { icon: 'circle-minus', text: 'Ignored' },
};
export const datafileLook = (state: DatafileState): Look => datafileLooks[state];

/** Returns the icon and the text for the result of the nightly check of a stored file. */
export const checkLook = (result: string | null): Look => {
  switch (result) {
    case 'ok':
      return { icon: 'circle-check', text: 'Checked' };
    case 'missing':
      return { icon: 'circle-x', text: 'Missing' };
    case 'changed':
      return { icon: 'triangle-alert', text: 'Checksum differs' };
    default:
      return { icon: 'circle-dashed', text: 'Not checked yet' };
  }
};
