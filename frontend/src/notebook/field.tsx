import React from 'react';

interface IFieldProps {
  label: string;
  fault?: string | null;
  children: (props: { className: string; 'aria-invalid': boolean }) => JSX.Element;
}

/** A field of a form with its label and, where it is wrong, the reason in words. */
export function Field({ label, fault, children }: IFieldProps): JSX.Element {
  return (
    <label className="nbrucio-field">
      <span>{label}</span>
      {children({ className: 'jp-mod-styled nbrucio-input', 'aria-invalid': Boolean(fault) })}
      {fault && (
        <span className="nbrucio-field-fault" role="alert">
          {fault}
        </span>
      )}
    </label>
  );
}
