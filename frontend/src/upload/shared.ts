/** The one list of uploads of a Lab: the section shows it, the file browser's menu puts files into its form. */

import { ISectionProps } from '../section';
import { Uploads } from './uploads';

const known = new WeakMap<object, Uploads>();

export function uploadsOf({ api, events }: Pick<ISectionProps, 'api' | 'events'>): Uploads {
  let uploads = known.get(api);
  if (!uploads) {
    uploads = new Uploads(api, events);
    known.set(api, uploads);
  }
  return uploads;
}
