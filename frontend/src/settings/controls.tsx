/** Small parts that the forms of this section share. */

import React from 'react';

import { faultWords } from '../notebook/fixes';
import { IFault } from '../types';

interface ITextFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  secret?: boolean;
}

export function TextField({ label, value, onChange, placeholder, secret }: ITextFieldProps): JSX.Element {
  return (
    <label className="nbrucio-field">
      {label}
      <input
        className="nbrucio-input"
        type={secret ? 'password' : 'text'}
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholder}
        value={value}
        onChange={event => onChange(event.target.value)}
      />
    </label>
  );
}

/** An error, without commands for a terminal: the form around it is the next action. */
export function Trouble({ fault }: { fault: IFault }): JSX.Element {
  return (
    <p className="nbrucio-trouble" role="alert">
      {faultWords(fault)}
    </p>
  );
}
