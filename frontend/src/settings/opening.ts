/** Sends the user's choice in Lab's settings to the server. */

import { ISettingRegistry } from '@jupyterlab/settingregistry';

import { Api } from '../api';
import { IOpening } from '../schema';
import { choiceOf } from './openingChoice';

/** Send each change; the server itself reads the settings when it starts. */
export function sendChoice(api: Api, settings: ISettingRegistry.ISettings): void {
  const value = (): string => {
    const { onOpen, openBudget } = settings.user as { onOpen?: unknown; openBudget?: unknown };
    return JSON.stringify(choiceOf(onOpen, openBudget));
  };
  let sent = value();
  settings.changed.connect(() => {
    const now = value();
    if (now !== sent) {
      sent = now;
      void api.post<IOpening>('opening', JSON.parse(now) as object).catch((error: unknown) => {
        console.error('nbrucio: the server does not know the new settings', error);
      });
    }
  });
}
