/** The interface of the panel's sections: each is a React component with these props. */

import { JupyterFrontEnd } from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { TranslationBundle } from '@jupyterlab/translation';
import { ISignal } from '@lumino/signaling';

import { Api } from './api';
import { Events } from './events';
import { Notebooks } from './notebooks';

/** The names of the sections, in the order of their tabs. */
export const SECTIONS = ['notebook', 'explore', 'upload', 'settings'] as const;
export type SectionName = (typeof SECTIONS)[number];

/** The services for every section. They exist as long as Lab is open. */
export interface ISectionProps {
  app: JupyterFrontEnd;
  api: Api;
  events: Events;
  /** The open notebooks and what they declare; `notebooks.current` is the one in front. */
  notebooks: Notebooks;
  /** The user's settings of this extension; null where Lab has none. */
  settings: ISettingRegistry.ISettings | null;
  trans: TranslationBundle;
  /** Whether a section is visible now. */
  isShown: (section: SectionName) => boolean;
  /** A section, or the panel, was shown. */
  shown: ISignal<unknown, void>;
  /** Show a section. */
  show: (section: SectionName) => void;
}
