/** nbrucio in JupyterLab and Notebook 7. */

import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from './api';
import { Events } from './events';
import { Notebooks } from './notebooks';
import { DataPanel, PANEL_ID } from './panel/panel';
import { ISectionProps } from './section';

const PLUGIN_ID = 'nbrucio:plugin';

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Finds data in Rucio, attaches it to notebooks and shows it arrive.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ILayoutRestorer, ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbrucio');
    const api = new Api(app.serviceManager.serverSettings);
    const events = new Events(app.serviceManager.events);
    const props: ISectionProps = {
      app,
      api,
      events,
      notebooks: new Notebooks(tracker, api, events),
      settings: null,
      trans,
      show: section => {
        panel.section = section;
        app.shell.activateById(PANEL_ID);
      }
    };
    const panel = new DataPanel(props);
    app.shell.add(panel, 'left', { rank: 350, type: 'Data' });
    restorer?.add(panel, PANEL_ID);
    void registry?.load(PLUGIN_ID).then(settings => {
      props.settings = settings;
      panel.update();
    });
  }
};

export default plugin;
