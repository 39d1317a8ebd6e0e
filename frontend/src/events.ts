/** The server's events on Jupyter's event bus, which Lab opens anyway and reconnects by itself. */

import { Event } from '@jupyterlab/services';
import { ISignal, Signal } from '@lumino/signaling';

import { Json, JsonObject } from './model/json';
import { IRun } from './types';

export const SYNC_EVENT = 'urn:nbrucio:sync-event-1';
export const DECLARED_EVENT = 'urn:nbrucio:declared-event-1';

/** Progress of the sync of one notebook, at most four times a second. */
export interface ISyncEvent extends IRun {
  path: string;
}

/** A save added to what a notebook declares. */
export interface IDeclaredEvent {
  path: string;
  declaration: JsonObject;
  /** The attachments of rucio-jupyterlab, where it wrote some. */
  attachments?: Json[];
}

export class Events {
  constructor(private readonly _manager: Event.IManager) {
    _manager.stream.connect(this._onEvent, this);
  }

  readonly synced: ISignal<this, ISyncEvent> = new Signal<this, ISyncEvent>(this);
  readonly declared: ISignal<this, IDeclaredEvent> = new Signal<this, IDeclaredEvent>(this);

  /** Call `slot` with every event of this schema. */
  on<T>(schema: string, slot: (event: T) => void): void {
    this._manager.stream.connect((_, event) => {
      if (event.schema_id === schema) {
        slot(event as unknown as T);
      }
    });
  }

  private readonly _onEvent = (_: Event.IManager, event: Event.Emission): void => {
    if (event.schema_id === SYNC_EVENT) {
      (this.synced as Signal<this, ISyncEvent>).emit(event as unknown as ISyncEvent);
    } else if (event.schema_id === DECLARED_EVENT) {
      (this.declared as Signal<this, IDeclaredEvent>).emit(event as unknown as IDeclaredEvent);
    }
  };
}
