/** The open notebooks, and the one in front. */

import { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { ISignal, Signal } from '@lumino/signaling';

import { Api } from './api';
import { NotebookContext } from './document';
import { Events } from './events';
import { NotebookData } from './notebookdata';

export class Notebooks {
  constructor(
    private readonly _tracker: INotebookTracker,
    private readonly _api: Api,
    private readonly _events: Events
  ) {
    _tracker.widgetAdded.connect((_, panel) => void this.of(panel));
    _tracker.forEach(panel => void this.of(panel));
    _tracker.currentChanged.connect(() => this._changed.emit());
  }

  /** Another notebook is in front, or something of the one in front is new. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The notebook in front; null when none is open. */
  get current(): NotebookData | null {
    const panel = this._tracker.currentWidget;
    return panel && !panel.isDisposed ? this.of(panel) : null;
  }

  /** The data of the notebook in this panel, the same in each panel that shows it. */
  of(panel: NotebookPanel): NotebookData {
    const { context } = panel;
    let data = this._known.get(context);
    if (!data) {
      data = new NotebookData(context, () => this._viewOf(context) ?? panel, this._api, this._events);
      this._known.set(context, data);
      data.changed.connect(sender => {
        if (sender === this.current) {
          this._changed.emit();
        }
      });
    }
    return data;
  }

  private _viewOf(context: NotebookContext): NotebookPanel | undefined {
    const { currentWidget } = this._tracker;
    return currentWidget?.context === context ? currentWidget : this._tracker.find(one => one.context === context);
  }

  private readonly _known = new WeakMap<NotebookContext, NotebookData>();
  private readonly _changed = new Signal<this, void>(this);
}
