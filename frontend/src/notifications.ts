/** Toasts for consent and for a failed sync, when the panel does not show them. Nothing else. */

import { Notification } from '@jupyterlab/apputils';

import { ISignal } from '@lumino/signaling';

import { consentOf } from './model/rows';
import { NotebookData } from './notebookdata';
import { ISectionProps } from './section';
import { amount } from './words';

/**
 * Watch one notebook.
 *
 * @param inSight - whether the panel shows it right now
 * @param shown - signals that the panel became visible
 */
export function notify(
  data: NotebookData,
  props: ISectionProps,
  inSight: () => boolean,
  shown: ISignal<unknown, void>
): void {
  const { trans, show } = props;
  let told = '';
  let toast = '';
  const dismiss = (): void => {
    if (toast) {
      Notification.dismiss(toast);
      toast = '';
    }
  };
  const update = (): void => {
    const [key, message] = needOf(data, props);
    if (key === told) {
      return;
    }
    told = key;
    dismiss();
    if (message && !inSight()) {
      toast = Notification.warning(message, {
        autoClose: false,
        actions: [
          ...(key.startsWith('consent')
            ? [
                {
                  label: trans.__('Fetch'),
                  caption: trans.__('Download this data once'),
                  callback: () => void data.sync(true)
                }
              ]
            : []),
          {
            label: trans.__('Show'),
            caption: trans.__('Show the data of the notebook'),
            callback: () => {
              data.panel.activate();
              show('notebook');
            }
          }
        ]
      });
    }
  };
  const onShown = (): void => {
    if (inSight()) {
      dismiss();
    }
  };
  data.changed.connect(update);
  shown.connect(onShown);
  data.context.disposed.connect(() => {
    shown.disconnect(onShown);
    dismiss();
  });
}

/** The required action of the user, and a key that changes only with it. */
function needOf(data: NotebookData, { trans }: ISectionProps): [string, string | null] {
  if (data.syncing) {
    return ['', null];
  }
  const name = data.path.split('/').pop() ?? '';
  const rows = data.rows;
  const consent = data.declined ? null : consentOf(rows);
  if (consent) {
    const words = consent.files ? amount(trans, consent.files, consent.bytes) : trans.__('data');
    return [`consent ${words}`, trans.__('%1 wants to download %2.', name, words)];
  }
  const failed = rows.filter(row => row.state === 'failed' && row.faults.length > 0);
  if (failed.length) {
    const first = failed[0]?.faults[0]?.message ?? '';
    return [`failed ${first}`, trans.__('%1: %2', name, first)];
  }
  return ['', null];
}
