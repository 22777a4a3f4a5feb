// A task as the app would show it: its business and message, its banners, its form, and the receipts that are sent when
// it is done.
import { titleOf, type Row } from '../catalog/entity.ts';
import { textOf } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import { bannerPreview, type BannerPreview } from './banner.ts';
import { shorten, type Shortened } from '../web/shorten.ts';
import { formPreview, type FormPreview } from './form.ts';
import { placesOf, notesOf, type Note } from './notes.ts';
import { picture, type HasImage, type Picture } from './picture.ts';
import type { Side } from './side.ts';

export type TaskPreview = {
  kind: 'task';
  title: string;
  text: string;
  business: string;
  icon: Picture | null;
  places: string;
  banners: Shortened<BannerPreview>;
  form: FormPreview | null;
  receipts: Shortened<{ title: string; text: string }>;
  notes: Note[];
};

const BANNERS = 3;
const RECEIPTS = 3;

export async function taskPreview(side: Side, task: Row, hasImage: HasImage): Promise<TaskPreview> {
  const business = await side.one('business', task['business']);
  const form = await side.one('form', task['form']);
  const banners = shorten(await side.by(entityNamed('banner'), 'task', task.id), BANNERS);
  const receipts = await side.by(entityNamed('order_receipt'), 'task', task.id);
  return {
    kind: 'task',
    title: textOf(task['title']),
    text: textOf(task['message']),
    business: business ? titleOf(entityNamed('business'), business) : '',
    icon: await picture(business?.['icon'], hasImage),
    places: placesOf(entityNamed('task'), task),
    banners: {
      shown: await Promise.all(banners.shown.map((row) => bannerPreview(side, row, hasImage))),
      more: banners.more,
    },
    form: form && (await formPreview(side, form)),
    receipts: shorten(
      receipts.map((row) => ({ title: textOf(row['template']), text: textOf(row['text']) })),
      RECEIPTS,
    ),
    notes: notesOf(task, business),
  };
}
