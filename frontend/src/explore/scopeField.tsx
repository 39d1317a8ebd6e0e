/** The field for scope and name, which suggests scopes while one is typed: a combobox with a list. */

import { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useState } from 'react';

import { useLatest } from '../panel/useLatest';
import { IScopes } from '../schema';
import { suggestedScopes } from './query';

const LIST_ID = 'nbrucio-scopes-found';

interface IScopeFieldProps {
  trans: TranslationBundle;
  text: string;
  /** Asks for the scopes; called while a scope is typed. */
  scopes: () => Promise<IScopes>;
  onChange: (text: string) => void;
}

export function ScopeField({ trans, text, scopes, onChange }: IScopeFieldProps): JSX.Element {
  const [found, setFound] = useState<string[]>([]);
  const [typing, setTyping] = useState(false);
  const [active, setActive] = useState(-1);

  const ask = useLatest(scopes);
  useEffect(() => {
    setActive(-1);
    if (!typing || !text.trim() || text.includes(':')) {
      setFound([]);
      return;
    }
    let current = true;
    ask().then(
      all => current && setFound(suggestedScopes(text, all)),
      () => current && setFound([])
    );
    return () => {
      current = false;
    };
  }, [ask, text, typing]);

  const take = (scope: string): void => {
    setTyping(false);
    onChange(`${scope}:`);
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const steps: { [key: string]: number } = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    const scope = found[active];
    if (step !== undefined && found.length) {
      setActive(at => (at < 0 ? (step > 0 ? 0 : found.length - 1) : (at + step + found.length) % found.length));
    } else if (event.key === 'Enter' && scope !== undefined) {
      take(scope);
    } else if (event.key === 'Escape' && found.length) {
      setTyping(false);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const open = found.length > 0;
  return (
    <div className="nbrucio-scope-field">
      <input
        className="nbrucio-input"
        type="text"
        role="combobox"
        aria-label={trans.__('Scope and name')}
        aria-autocomplete="list"
        aria-expanded={open}
        aria-controls={open ? LIST_ID : undefined}
        aria-activedescendant={active < 0 ? undefined : `${LIST_ID}-${active}`}
        autoComplete="off"
        placeholder={trans.__('scope:name')}
        value={text}
        spellCheck={false}
        onChange={event => {
          setTyping(true);
          onChange(event.target.value);
        }}
        onKeyDown={onKeyDown}
        onBlur={() => setTyping(false)}
      />
      {open && (
        <ul id={LIST_ID} className="nbrucio-scopes" role="listbox" aria-label={trans.__('Scopes')}>
          {found.map((scope, index) => (
            <li
              key={scope}
              id={`${LIST_ID}-${index}`}
              role="option"
              aria-selected={index === active}
              title={scope}
              onMouseDown={event => {
                event.preventDefault(); // the field keeps the focus
                take(scope);
              }}
            >
              {scope}
            </li>
          ))}
        </ul>
      )}
      <span className="nbrucio-visually-hidden" role="status">
        {open ? trans._n('%1 scope found', '%1 scopes found', found.length, found.length) : ''}
      </span>
    </div>
  );
}
