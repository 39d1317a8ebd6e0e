import { LabIcon } from '@jupyterlab/ui-components';
import React from 'react';

export interface IIconButtonProps {
  icon: LabIcon;
  label: string;
  disabled?: boolean;
  onClick: () => void;
}

/** A button with an icon and its name. */
export function IconButton({ icon, label, disabled, onClick }: IIconButtonProps): JSX.Element {
  return (
    <button className="nbrucio-button" disabled={disabled} onClick={onClick}>
      <icon.react tag="span" className="nbrucio-icon" />
      {label}
    </button>
  );
}
