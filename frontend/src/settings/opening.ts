/** Keeps the server told of what the user chose in Lab's settings. */

import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { Api } from '../api';
import { choiceOf, IOpening } from './choice';

/** Tell the server now, and at each change; it read the settings itself when it started. */
export function keepServerTold(api: Api, settings: ISettingRegistry.ISettings): void {
  const value = (): string => {
    const { onOpen, openBudget } = settings.user as { onOpen?: unknown; openBudget?: unknown };
    return JSON.stringify(choiceOf(onOpen, openBudget));
  };
  let told = value();
  settings.changed.connect(() => {
    const now = value();
    if (now !== told) {
      told = now;
      void api.post<IOpening>('opening', JSON.parse(now) as object).catch((error: unknown) => {
        console.error('nbrucio: the server does not know the new settings', error);
      });
    }
  });
}
