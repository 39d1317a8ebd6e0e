/** The panel in the side bar: four sections under tabs. */

import { ReactWidget } from '@jupyterlab/ui-components';
import { Message, MessageLoop } from '@lumino/messaging';
import { ISignal, Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import React from 'react';

import { ExploreSection } from '../explore';
import { nbrucioIcon } from '../icons';
import { NotebookSection } from '../notebook';
import { ISectionProps, SectionName, SECTIONS } from '../section';
import { SettingsSection } from '../settings';
import { UploadSection } from '../upload';
import { Tabs } from './tabs';

export const PANEL_ID = 'nbrucio-panel';

const COMPONENTS: { [name in SectionName]: (props: ISectionProps) => JSX.Element } = {
  notebook: NotebookSection,
  explore: ExploreSection,
  upload: UploadSection,
  settings: SettingsSection
};

export class DataPanel extends ReactWidget {
  constructor(private readonly _props: ISectionProps) {
    super();
    const { trans } = _props;
    this.id = PANEL_ID;
    this.addClass('nbrucio-panel');
    this.title.icon = nbrucioIcon;
    this.title.caption = trans.__('Data (Rucio)');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Data of the notebook'));
  }

  /** The section in front. */
  get section(): SectionName {
    return this._section;
  }
  set section(name: SectionName) {
    if (name !== this._section) {
      this._section = name;
      // At once, so that the next key of the user finds the section.
      MessageLoop.sendMessage(this, Widget.Msg.UpdateRequest);
      this._shown.emit();
    }
  }

  protected render(): JSX.Element {
    const { trans } = this._props;
    if (this.isVisible) {
      this._opened.add(this._section);
    }
    const labels: { [name in SectionName]: string } = {
      notebook: trans.__('Notebook'),
      explore: trans.__('Explore'),
      upload: trans.__('Upload'),
      settings: trans.__('Settings')
    };
    return (
      <Tabs
        label={trans.__('Sections of the data panel')}
        tabs={SECTIONS.map(name => {
          const Section = COMPONENTS[name];
          return { name, label: labels[name], content: this._opened.has(name) ? <Section {...this._props} /> : null };
        })}
        selected={this._section}
        onSelect={name => (this.section = name as SectionName)}
      />
    );
  }

  /** The panel, or another section of it, came to the front. */
  get shown(): ISignal<this, void> {
    return this._shown;
  }

  protected onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.update();
    this._shown.emit();
    if (!this._welcomed) {
      this._welcomed = true;
      void this._welcome().catch((error: unknown) => console.error('nbrucio: the instances are unknown', error));
    }
  }

  /** Without a Rucio server the panel begins with the ways to one. */
  private async _welcome(): Promise<void> {
    const { ways } = await this._props.api.instances();
    if (ways && this._section === 'notebook') {
      this.section = 'settings';
    }
  }

  private _welcomed = false;
  private _section: SectionName = 'notebook';
  /** The sections that were shown: others are not rendered. */
  private readonly _opened = new Set<SectionName>();
  private readonly _shown = new Signal<this, void>(this);
}
