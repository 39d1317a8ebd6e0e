/** Tabs as the ARIA practices describe them: arrow keys move between tabs, Tab goes on into the section. */

import React from 'react';

export interface ITab {
  name: string;
  label: string;
  /** Null before the section is shown for the first time. */
  content: JSX.Element | null;
}

export interface ITabsProps {
  label: string;
  tabs: ITab[];
  selected: string;
  onSelect: (name: string) => void;
}

export function Tabs({ label, tabs, selected, onSelect }: ITabsProps): JSX.Element {
  const onKeyDown = (event: React.KeyboardEvent<HTMLDivElement>): void => {
    const at = tabs.findIndex(tab => tab.name === selected);
    const steps: { [key: string]: number } = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 };
    const to = steps[event.key];
    if (to === undefined) {
      return;
    }
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length] as ITab;
    onSelect(next.name);
    event.currentTarget.querySelector<HTMLElement>(`#${tabId(next.name)}`)?.focus();
  };
  return (
    <>
      <div className="nbrucio-tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {tabs.map(tab => (
          <button
            key={tab.name}
            id={tabId(tab.name)}
            className="nbrucio-tab"
            role="tab"
            aria-selected={tab.name === selected}
            aria-controls={sectionId(tab.name)}
            tabIndex={tab.name === selected ? 0 : -1}
            onClick={() => onSelect(tab.name)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      {tabs.map(tab => (
        // Hidden, not removed: input and results of a section stay.
        <div
          key={tab.name}
          id={sectionId(tab.name)}
          className="nbrucio-section"
          role="tabpanel"
          aria-labelledby={tabId(tab.name)}
          hidden={tab.name !== selected}
        >
          {tab.content}
        </div>
      ))}
    </>
  );
}

function tabId(name: string): string {
  return `nbrucio-tab-${name}`;
}

function sectionId(name: string): string {
  return `nbrucio-section-${name}`;
}
