/**
 * The declaration in a notebook's metadata. Edits preserve unknown and invalid parts.
 *
 * Its form is `schemas/nbrucio_schemas/declaration-1.schema.json`. Beside it rucio-jupyterlab's `rucio_attachments` is
 * read, and updated if it is present. Every edit returns new metadata; nothing is changed in place.
 */

import { isObject, Json, JsonObject } from './json';

export const KEY = 'nbrucio';
export const ATTACHMENTS_KEY = 'rucio_attachments';
export const VERSION = 1;

/** A deterministic subset of a requirement's files. */
export interface ISelection {
  match?: string;
  first?: number;
  max_bytes?: number;
}

export interface IRequirement {
  /** As text; of one that a parameter of the notebook chooses, that parameter's name in braces. */
  did: string;
  parameter: boolean;
  handle: string;
  instance: string | null;
  select: ISelection | null;
  access: string | null;
  /** It was added since the code uses it. */
  fromCode: boolean;
  /** It was added since the code used it, and no code does now. */
  unused: boolean;
}

export interface ILockEntry {
  did: string;
  select: ISelection | null;
  type: string;
  files: number;
  bytes: number | null;
  open: boolean;
  locked: string;
}

export interface IDeclaration {
  requirements: IRequirement[];
  /** By handle: what still speaks of its requirement. */
  lock: { [handle: string]: ILockEntry };
  /** Attachments of rucio-jupyterlab that are not declared. */
  attached: { did: string; handle: string }[];
  /** The number of invalid entries. */
  invalid: number;
  /** The metadata is there and cannot be used: from a newer version, or malformed. */
  unreadable: boolean;
}

/** The two keys of a notebook's metadata that matter here; undefined where a key is absent. */
export interface IMetadata {
  [KEY]?: Json | undefined;
  [ATTACHMENTS_KEY]?: Json | undefined;
}

export function read(metadata: IMetadata): IDeclaration {
  const value = metadata[KEY];
  const unreadable =
    value !== undefined && value !== null && !(isObject(value) && (value.version ?? VERSION) === VERSION);
  const byHandle = new Map<string, IRequirement>();
  for (const entry of unreadable ? [] : entries(value)) {
    const one = requirement(entry);
    if (one && !byHandle.has(one.handle)) {
      byHandle.set(one.handle, one);
    }
  }
  const requirements = [...byHandle.values()];
  const declared = new Set(requirements.map(one => one.did));
  const attached = attachments(metadata).filter(one => !declared.has(one.did));
  const invalid = unreadable ? 0 : entries(value).length - requirements.length;
  return { requirements, lock: locks(value, requirements), attached, invalid, unreadable };
}

/** Whether two selections are equal. */
export function sameSelection(one: ISelection | null, other: ISelection | null): boolean {
  const text = (select: ISelection | null): string =>
    JSON.stringify([select?.match ?? null, select?.first ?? null, select?.max_bytes ?? null]);
  return text(one) === text(other);
}

/** Add a requirement, last. */
export function withRequirement(
  metadata: IMetadata,
  did: string,
  handle: string,
  instance: string | null = null,
  extra: JsonObject = {}
): IMetadata {
  const entry: JsonObject = { did, handle, ...(instance ? { instance } : {}), ...extra };
  const value = declared(metadata);
  const result: IMetadata = { ...metadata, [KEY]: { ...value, requirements: [...entries(value), entry] } };
  const list = metadata[ATTACHMENTS_KEY];
  if (Array.isArray(list) && !attachments(metadata).some(one => one.did === did || one.handle === handle)) {
    result[ATTACHMENTS_KEY] = [...list, { did, type: 'collection', variableName: handle }];
  }
  return result;
}

/**
 * Add undeclared data that the code uses. In a notebook with attachments of rucio-jupyterlab and no declaration it
 * becomes another attachment: a declaration would replace the attachments, and only the user imports.
 */
export function withUse(metadata: IMetadata, did: string, handle: string): IMetadata {
  const list = metadata[ATTACHMENTS_KEY];
  if ((metadata[KEY] ?? null) === null && Array.isArray(list) && attachments(metadata).length) {
    return { ...metadata, [ATTACHMENTS_KEY]: [...list, { did, type: 'collection', variableName: handle }] };
  }
  return withRequirement(metadata, did, handle, null, { source: 'code' });
}

/** Remove a requirement with its locks. */
export function withoutRequirement(metadata: IMetadata, handle: string): IMetadata {
  const value = declared(metadata);
  const gone = entries(value).find(entry => requirement(entry)?.handle === handle);
  const kept = entries(value).filter(entry => entry !== gone);
  const result: IMetadata = { ...metadata, [KEY]: onLocks({ ...value, requirements: kept }, handle, null) };
  const list = metadata[ATTACHMENTS_KEY];
  if (Array.isArray(list)) {
    const did = isObject(gone) ? gone.did : undefined;
    result[ATTACHMENTS_KEY] = list.filter(
      item => !isObject(item) || (item.variableName !== handle && item.did !== did)
    );
  }
  return result;
}

/** Give a requirement another handle; its locks and the variants that name it follow. */
export function renamed(metadata: IMetadata, from: string, to: string): IMetadata {
  const value = declared(metadata);
  const changed = entries(value).map(entry =>
    requirement(entry)?.handle === from && isObject(entry) ? { ...entry, handle: to } : entry
  );
  const next = onLocks({ ...value, requirements: changed }, from, to);
  if (isObject(value.variants)) {
    next.variants = mapped(value.variants, chosen =>
      isObject(chosen)
        ? mapped(
            chosen,
            part => part,
            handle => (handle === from ? to : handle)
          )
        : chosen
    );
  }
  const result: IMetadata = { ...metadata, [KEY]: next };
  const list = metadata[ATTACHMENTS_KEY];
  if (Array.isArray(list)) {
    result[ATTACHMENTS_KEY] = list.map(item =>
      isObject(item) && item.variableName === from ? { ...item, variableName: to } : item
    );
  }
  return result;
}

/** Change selection and access of a requirement; null means all files, or that nbrucio chooses. */
export function withChoice(
  metadata: IMetadata,
  handle: string,
  select: ISelection | null,
  access: string | null
): IMetadata {
  const value = declared(metadata);
  const changed = entries(value).map(entry => {
    if (!isObject(entry) || requirement(entry)?.handle !== handle) {
      return entry;
    }
    const { select: _select, access: _access, ...rest } = entry;
    const chosen = Object.fromEntries(Object.entries(select ?? {}).filter(([, part]) => part !== undefined));
    return {
      ...rest,
      ...(Object.keys(chosen).length ? { select: chosen as JsonObject } : {}),
      ...(access ? { access } : {})
    };
  });
  return { ...metadata, [KEY]: { ...value, requirements: changed } };
}

/** Declare what rucio-jupyterlab attached, as variables, too; its own list stays, so that both tools can open the notebook. */
export function imported(metadata: IMetadata): IMetadata {
  let result = metadata;
  for (const one of read(metadata).attached) {
    result = withRequirement(result, one.did, one.handle, null, { bind: true });
  }
  return result;
}

/**
 * The metadata with a declaration, for an edit by the user. Without one the attachments are the data, and a declaration
 * that lacks them would replace them.
 */
export function begun(metadata: IMetadata): IMetadata {
  return (metadata[KEY] ?? null) === null ? imported(metadata) : metadata;
}

/** Replace the lock entries of these handles. */
export function withLocks(metadata: IMetadata, lock: JsonObject): IMetadata {
  const value = declared(metadata);
  const present = isObject(value.lock) ? value.lock : {};
  return { ...metadata, [KEY]: { ...value, lock: sorted({ ...present, ...lock }) } };
}

/** Set the instance of requirements without one, by handle, to the instance of their lock. */
export function withInstances(metadata: IMetadata, instances: { [handle: string]: string }): IMetadata {
  const value = declared(metadata);
  const named = entries(value).map(entry => {
    const one = requirement(entry);
    const instance = one && one.instance === null ? instances[one.handle] : undefined;
    return instance && isObject(entry) ? { ...entry, instance } : entry;
  });
  return { ...metadata, [KEY]: { ...value, requirements: named } };
}

/** Whether two values are the same JSON, with keys in any order. */
export function same(one: Json | undefined, other: Json | undefined): boolean {
  if (isObject(one) && isObject(other)) {
    const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
    return [...keys].every(key => same(one[key], other[key]));
  }
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((part, at) => same(part, other[at]));
  }
  return one === other;
}

/** Take over what a save added on the server: requirements and locks that are not here. Nothing here is changed. */
export function merged(metadata: IMetadata, added: Json): IMetadata {
  const own = read(metadata);
  const dids = new Set(own.requirements.map(one => one.did));
  const handles = new Set(own.requirements.map(one => one.handle));
  const value = declared(metadata);
  const fresh = entries(added).filter(entry => {
    const one = requirement(entry);
    return one !== null && !dids.has(one.did) && !handles.has(one.handle);
  });
  const lock = isObject(value.lock) ? value.lock : {};
  const theirs = isObject(added) && isObject(added.lock) ? added.lock : {};
  const known = new Set([...handles, ...fresh.map(entry => requirement(entry)?.handle)]);
  const locked = Object.entries(theirs).filter(([key]) => !(key in lock) && known.has(key.split('@')[0] ?? ''));
  if (!fresh.length && !locked.length) {
    return metadata;
  }
  const next: JsonObject = { ...value, requirements: [...entries(value), ...fresh] };
  if (locked.length) {
    next.lock = sorted({ ...lock, ...Object.fromEntries(locked) });
  }
  return { ...metadata, [KEY]: next };
}

function declared(metadata: IMetadata): JsonObject {
  const value = metadata[KEY];
  return isObject(value) ? value : { version: VERSION, requirements: [] };
}

function entries(value: Json | undefined): Json[] {
  return isObject(value) && Array.isArray(value.requirements) ? value.requirements : [];
}

function requirement(entry: Json): IRequirement | null {
  if (!isObject(entry) || typeof entry.handle !== 'string') {
    return null;
  }
  const did = typeof entry.did === 'string' ? entry.did : isObject(entry.did) ? parameterWords(entry.did) : null;
  if (did === null) {
    return null;
  }
  return {
    did,
    parameter: typeof entry.did !== 'string',
    handle: entry.handle,
    instance: typeof entry.instance === 'string' ? entry.instance : null,
    select: selection(entry.select),
    access: typeof entry.access === 'string' ? entry.access : null,
    fromCode: entry.source === 'code',
    unused: entry.unused === true
  };
}

/** A DID that is chosen by a parameter of the notebook, as it is shown. */
function parameterWords(value: JsonObject): string {
  return typeof value.parameter === 'string' ? `{${value.parameter}}` : '{…}';
}

function selection(value: Json | undefined): ISelection | null {
  if (!isObject(value)) {
    return null;
  }
  const select: ISelection = {};
  if (typeof value.match === 'string') {
    select.match = value.match;
  }
  if (typeof value.first === 'number') {
    select.first = value.first;
  }
  if (typeof value.max_bytes === 'number') {
    select.max_bytes = value.max_bytes;
  }
  return Object.keys(select).length ? select : null;
}

function locks(value: Json | undefined, requirements: IRequirement[]): { [handle: string]: ILockEntry } {
  const found: { [handle: string]: ILockEntry } = {};
  const lock = isObject(value) && isObject(value.lock) ? value.lock : {};
  for (const one of requirements) {
    const entry = lock[one.handle];
    if (
      !isObject(entry) ||
      (entry.did !== one.did && !one.parameter) ||
      !sameSelection(selection(entry.select), one.select)
    ) {
      continue;
    }
    found[one.handle] = {
      did: typeof entry.did === 'string' ? entry.did : one.did,
      select: one.select,
      type: typeof entry.type === 'string' ? entry.type : '',
      files: typeof entry.files === 'number' ? entry.files : 0,
      bytes: typeof entry.bytes === 'number' ? entry.bytes : null,
      open: entry.open === true,
      locked: typeof entry.locked === 'string' ? entry.locked : ''
    };
  }
  return found;
}

function attachments(metadata: IMetadata): { did: string; handle: string }[] {
  const list = metadata[ATTACHMENTS_KEY];
  const found: { did: string; handle: string }[] = [];
  for (const item of Array.isArray(list) ? list : []) {
    if (isObject(item) && typeof item.did === 'string' && typeof item.variableName === 'string') {
      found.push({ did: item.did, handle: item.variableName });
    }
  }
  return found;
}

/** `value` with its locks of `handle`, those of variants too, under another handle, or without them for null. */
function onLocks(value: JsonObject, handle: string, to: string | null): JsonObject {
  if (!isObject(value.lock)) {
    return value;
  }
  const lock: JsonObject = {};
  for (const [key, entry] of Object.entries(value.lock)) {
    const [own, ...variant] = key.split('@');
    if (own !== handle) {
      lock[key] = entry;
    } else if (to !== null) {
      lock[[to, ...variant].join('@')] = entry;
    }
  }
  const { lock: _lock, ...rest } = value;
  return Object.keys(lock).length ? { ...rest, lock: sorted(lock) } : rest;
}

function sorted(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function mapped(
  value: JsonObject,
  part: (one: Json) => Json,
  key: (name: string) => string = name => name
): JsonObject {
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [key(name), part(one)]));
}

/** The handle under which a DID of an instance (null: of any) is declared; null when it is not. */
export function handleOf(declaration: IDeclaration, did: string, instance: string | null): string | null {
  const present = declaration.requirements.find(
    one => one.did === did && (instance === null || one.instance === null || one.instance === instance)
  );
  return present?.handle ?? null;
}

/** The handles in use, those of attachments included. */
export function names(declaration: IDeclaration): string[] {
  return [...declaration.requirements, ...declaration.attached].map(one => one.handle);
}
