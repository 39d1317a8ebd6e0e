/** The section "Upload": send files to an RSE, follow the uploads, list their rules. */

import React, { useEffect, useReducer, useRef, useState } from 'react';

import { faultOf } from '../api';
import { Fault } from '../notebook/fault';
import { Field } from '../notebook/field';
import { useVisible } from '../panel/useVisible';
import { IPlaces } from '../schema';
import { ISectionProps } from '../section';
import { IFault, IInstance } from '../types';
import { firstScope, IForm, wrongFields } from './form';
import { Job } from './job';
import { OurRules } from './ourRules';
import { Paths } from './paths';
import { uploadsOf } from './shared';

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
            <Job key={job.id} job={job} uploads={uploads} trans={trans} onSettings={() => props.show('settings')} />
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
  const asked = useRef<Promise<IPlaces> | null>(null);
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
    const refused = uploads.refusedScopes;
    setForm(now => (refused.has(now.scope) ? { ...now, scope: '' } : now));
    asked.current = uploads.places(instance);
    asked.current.then(
      found => {
        if (current) {
          setPlaces(found);
          setForm(now => ({ ...now, scope: now.scope || firstScope(found.scopes, found.account, refused) }));
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
  const reasons: { [field in keyof IForm]: string } = {
    rse: trans.__('Enter the name of an RSE.'),
    scope: trans.__('Enter letters, digits, “.”, “_” or “-”.'),
    dataset: trans.__('Enter a name without spaces.'),
    lifetime: trans.__('Enter a time such as 12h, 30d or 2w.')
  };
  const input = (name: keyof IForm, label: string, more: React.InputHTMLAttributes<HTMLInputElement>): JSX.Element => (
    <Field label={label} fault={tried && wrong.includes(name) ? reasons[name] : null}>
      {field => (
        <input
          {...field}
          value={form[name]}
          spellCheck={false}
          onChange={event => set({ [name]: event.target.value })}
          {...more}
        />
      )}
    </Field>
  );
  const submit = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    setTried(true);
    // Somebody who is quicker than Rucio means the scope that the form is about to propose.
    const found = form.scope.trim() ? null : await asked.current?.catch(() => null);
    const scope = found ? firstScope(found.scopes, found.account, uploads.refusedScopes) : form.scope.trim();
    if (wrongFields({ ...form, scope }, paths).length) {
      return;
    }
    const order = {
      paths: [...paths],
      rse: form.rse.trim(),
      scope,
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
        <p>
          {trans.__(
            'Type a path, choose files or folders, or use “Upload to Rucio…” in the context menu of the file browser.'
          )}
        </p>
        <Paths uploads={uploads} trans={trans} />
      </div>
    );
  }
  return (
    <form
      className="nbrucio-upload-form"
      aria-label={trans.__('Upload to Rucio')}
      onSubmit={event => void submit(event)}
    >
      <Paths uploads={uploads} trans={trans} />
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
      {input('rse', trans.__('To RSE'), {
        list: 'nbrucio-rses',
        autoFocus: true,
        placeholder: trans.__('Where to upload')
      })}
      {input('scope', trans.__('Scope'), { list: 'nbrucio-scopes' })}
      {input('dataset', trans.__('Dataset'), { placeholder: trans.__('None') })}
      {input('lifetime', trans.__('Keep for'), { placeholder: trans.__('no expiry; or 12h, 30d, 2w') })}
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
      </div>
    </form>
  );
}
