/** nbrucio in JupyterLab and Notebook 7. */

import { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ICommandPalette, IToolbarWidgetRegistry } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from './api';
import { renderQuestions } from './consent/renderer';
import { removeStaleWaits } from './consent/stalewaits';
import { notify } from './notifications';
import { addCommands } from './commands';
import { Events } from './events';
import { Chip, StatusItem } from './status';
import { acceptDrops } from './explore/drop';
import { NotebookData } from './notebookdata';
import { Notebooks } from './notebooks';
import { DataPanel, PANEL_ID } from './panel/panel';
import { sendChoice } from './settings/opening';
import { addUpload } from './upload/command';
import { addPicker } from './upload/picker';
import { ISectionProps } from './section';

const PLUGIN_ID = 'nbrucio:plugin';

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Finds data in Rucio, adds it to notebooks and shows its download.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [
    ILayoutRestorer,
    ISettingRegistry,
    ITranslator,
    ICommandPalette,
    IToolbarWidgetRegistry,
    IStatusBar,
    IFileBrowserFactory,
    IDocumentManager
  ],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    toolbars: IToolbarWidgetRegistry | null,
    statusBar: IStatusBar | null,
    browsers: IFileBrowserFactory | null,
    documents: IDocumentManager | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('nbrucio');
    const api = new Api(app.serviceManager.serverSettings);
    const events = new Events(app.serviceManager.events);
    const notebooks = new Notebooks(tracker, api, events);
    const props: ISectionProps = {
      app,
      api,
      events,
      notebooks,
      settings: null,
      trans,
      isShown: section => panel.isVisible && panel.section === section,
      get shown() {
        return panel.shown;
      },
      show: section => {
        panel.section = section;
        app.shell.activateById(PANEL_ID);
      }
    };
    const panel = new DataPanel(props);
    app.shell.add(panel, 'left', { rank: 350, type: 'Data' });
    restorer?.add(panel, PANEL_ID);
    addCommands(props, palette);
    if (browsers) {
      addUpload(props, browsers);
    }
    if (documents) {
      addPicker(props, documents);
    }

    const show = (): void => props.show('notebook');
    toolbars?.addFactory<NotebookPanel>('Notebook', 'nbrucio', notebook => new Chip(notebook, notebooks, trans, show));
    statusBar?.registerStatusItem('nbrucio:status', { item: new StatusItem(notebooks, trans, show), align: 'left' });

    const inSight = (data: NotebookData): boolean => props.isShown('notebook') && notebooks.current === data;
    const notified = new WeakSet<NotebookData>();
    const watch = (notebook: NotebookPanel): void => {
      const data = notebooks.of(notebook);
      renderQuestions(notebook, data, trans);
      removeStaleWaits(notebook);
      acceptDrops(notebook, api);
      if (!notified.has(data)) {
        notified.add(data); // once, however many panels show the notebook
        notify(data, props, () => inSight(data), panel.shown);
      }
    };
    tracker.forEach(watch);
    tracker.widgetAdded.connect((_, notebook) => watch(notebook));

    registry?.load(PLUGIN_ID).then(
      settings => {
        props.settings = settings;
        sendChoice(api, settings);
        panel.update();
      },
      (error: unknown) => console.error('nbrucio: its settings cannot be read', error)
    );
  }
};

export default plugin;
