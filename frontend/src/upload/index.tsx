/** The section "Upload": send files to an RSE, follow the uploads, list their rules. */

import { fileUploadIcon } from '@jupyterlab/ui-components';
import { Clipboard } from '@jupyterlab/apputils';
import React, { useEffect, useReducer, useState } from 'react';

import { faultOf } from '../api';
import { Fault } from '../notebook/fault';
import { LongName } from '../panel/longname';
import { useVisible } from '../panel/useVisible';
import { ISectionProps } from '../section';
import { IFault, IInstance } from '../types';
import { commandOf, Field, firstScope, IForm, wrongFields } from './form';
import { Job } from './job';
import { OurRules } from './rules';
import { uploadsOf } from './shared';
import { IPlaces } from './uploads';

export function UploadSection(props: ISectionProps): JSX.Element {
  const { trans } = props;
  const uploads = uploadsOf(props);
  const [, redraw] = useReducer((number: number) => number + 1, 0);
  const [ref, visible] = useVisible<HTMLDivElement>();
  useEffect(() => {
    uploads.changed.connect(redraw);
    return () => void uploads.changed.disconnect(redraw);
  }, [uploads]);
  useEffect(() => {
    if (visible) {
      void uploads.refresh();
    }
  }, [uploads, visible]);
  return (
    <div className="nbrucio-upload" ref={ref}>
      <UploadForm {...props} />
      {uploads.fault && (
        <div className="nbrucio-card nbrucio-mod-fault">
          <Fault fault={uploads.fault} trans={trans} actions={{ settings: () => props.show('settings') }} />
        </div>
      )}
      {uploads.jobs.length > 0 && (
        <ul className="nbrucio-jobs" aria-label={trans.__('Uploads')}>
          {uploads.jobs.map(job => (
            <Job key={job.id} job={job} uploads={uploads} trans={trans} />
          ))}
        </ul>
      )}
      <OurRules uploads={uploads} trans={trans} />
    </div>
  );
}

function UploadForm(props: ISectionProps): JSX.Element {
  const { trans } = props;
  const uploads = uploadsOf(props);
  const [form, setForm] = useState<IForm>({ rse: '', scope: '', dataset: '', lifetime: '' });
  const [instances, setInstances] = useState<IInstance[]>([]);
  const [instance, setInstance] = useState<string | null>(null);
  const [places, setPlaces] = useState<IPlaces | null>(null);
  const [fault, setFault] = useState<IFault | null>(null);
  const [tried, setTried] = useState(false);
  const { paths } = uploads;

  // Only with files to send: an open panel alone sends Rucio no requests.
  const wanted = paths.length > 0;
  useEffect(() => {
    if (wanted) {
      props.api.instances().then(
        found => setInstances(found.instances),
        () => setInstances([])
      );
    }
  }, [props.api, wanted]);
  useEffect(() => {
    if (!wanted) {
      return;
    }
    let current = true;
    setFault(null);
    uploads.places(instance).then(
      found => {
        if (current) {
          setPlaces(found);
          setForm(now => ({ ...now, scope: now.scope || firstScope(found.scopes, found.account) }));
        }
      },
      (error: unknown) => void (current && setFault(faultOf(error)))
    );
    return () => {
      current = false;
    };
  }, [uploads, wanted, instance]);

  const wrong = wrongFields(form, paths);
  const set = (change: Partial<IForm>): void => setForm(now => ({ ...now, ...change }));
  const input = (name: keyof IForm, more: React.InputHTMLAttributes<HTMLInputElement>): JSX.Element => (
    <input
      className="nbrucio-input"
      value={form[name]}
      spellCheck={false}
      aria-invalid={tried && wrong.includes(name as Field)}
      onChange={event => set({ [name]: event.target.value })}
      {...more}
    />
  );
  const submit = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    if (wrong.length) {
      return;
    }
    const order = {
      paths: [...paths],
      rse: form.rse.trim(),
      scope: form.scope.trim(),
      dataset: form.dataset.trim() || null,
      lifetime: form.lifetime.trim() || null,
      instance
    };
    if (await uploads.start(order)) {
      setTried(false);
    }
  };
  if (!paths.length) {
    return (
      <div className="nbrucio-empty">
        <p>{trans.__('Choose files or folders in the file browser, and “Upload to Rucio…” in their context menu.')}</p>
        <button className="nbrucio-button" onClick={() => void props.app.commands.execute('filebrowser:activate')}>
          <fileUploadIcon.react tag="span" className="nbrucio-icon" />
          {trans.__('Open the file browser')}
        </button>
      </div>
    );
  }
  return (
    <form
      className="nbrucio-upload-form"
      aria-label={trans.__('Upload to Rucio')}
      onSubmit={event => void submit(event)}
    >
      <ul className="nbrucio-paths" aria-label={trans.__('To upload')}>
        {paths.map(path => (
          <li key={path}>
            <LongName text={path} />
          </li>
        ))}
      </ul>
      {fault && <Fault fault={fault} trans={trans} actions={{ settings: () => props.show('settings') }} />}
      {instances.length > 1 && (
        <label className="nbrucio-field">
          {trans.__('Rucio server')}
          <select
            className="nbrucio-input"
            value={instance ?? instances.find(one => one.default)?.name ?? ''}
            onChange={event => {
              setInstance(event.target.value);
              set({ scope: '' });
            }}
          >
            {instances.map(one => (
              <option key={one.name} value={one.name}>
                {one.name}
              </option>
            ))}
          </select>
        </label>
      )}
      <label className="nbrucio-field">
        {trans.__('To RSE')}
        {input('rse', {
          list: 'nbrucio-rses',
          autoFocus: true,
          placeholder: trans.__('Where to upload')
        })}
      </label>
      <label className="nbrucio-field">
        {trans.__('Scope')}
        {input('scope', { list: 'nbrucio-scopes' })}
      </label>
      <label className="nbrucio-field">
        {trans.__('Dataset')}
        {input('dataset', { placeholder: trans.__('None') })}
      </label>
      <label className="nbrucio-field">
        {trans.__('Keep for')}
        {input('lifetime', { placeholder: trans.__('no expiry; or 12h, 30d, 2w') })}
      </label>
      <datalist id="nbrucio-rses">
        {places?.rses.map(one => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <datalist id="nbrucio-scopes">
        {places?.scopes.map(one => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <div className="nbrucio-actions">
        <button className="nbrucio-button nbrucio-mod-accept">{trans.__('Upload')}</button>
        <button type="button" className="nbrucio-button" onClick={() => uploads.choose([])}>
          {trans.__('Cancel')}
        </button>
        <button
          type="button"
          className="nbrucio-button"
          disabled={wrong.length > 0}
          title={commandOf(form, paths)}
          onClick={() => Clipboard.copyToSystem(commandOf(form, paths))}
        >
          {trans.__('Copy command')}
        </button>
      </div>
    </form>
  );
}
