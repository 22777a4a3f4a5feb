// A banner as the app would show it: its image, its title and what it opens.
import { titleOf, type Row } from '../catalog/entity.ts';
import { textOf, type Value } from '../catalog/fields.ts';
import { entityNamed } from '../catalog/index.ts';
import type { Side } from './side.ts';
import { placesOf, notesOf, type Note } from './notes.ts';
import { picture, type HasImage, type Picture } from './picture.ts';

export type BannerPreview = {
  kind: 'banner';
  title: string;
  image: Picture | null;
  business: string;
  /** What opens when a person taps the banner; empty if nothing does. */
  opens: string;
  places: string;
  notes: Note[];
};

export async function bannerPreview(
  side: Side,
  banner: Row,
  hasImage: HasImage,
): Promise<BannerPreview> {
  const task = await titleIn(side, 'task', banner['task']);
  const address = textOf(banner['link']);
  const business = await side.one('business', banner['business']);
  return {
    kind: 'banner',
    title: textOf(banner['title']),
    image: await picture(banner['image'], hasImage),
    business: business ? titleOf(entityNamed('business'), business) : '',
    opens: task ? `Opens task “${task}”` : address && `Opens ${address}`,
    places: placesOf(entityNamed('banner'), banner),
    notes: notesOf(banner, business),
  };
}

async function titleIn(side: Side, entity: string, id: Value | undefined): Promise<string> {
  const row = await side.one(entity, id);
  return row ? titleOf(entityNamed(entity), row) : '';
}
