/**
 * Edits of the declaration in a notebook's metadata. They preserve unknown and invalid parts, and update the attachments of
 * rucio-jupyterlab if there are any. Every edit returns new metadata; nothing is changed in place.
 */

import {
  ATTACHMENTS_KEY,
  attachments,
  declared,
  entries,
  IMetadata,
  ISelection,
  KEY,
  read,
  requirement
} from './declaration';
import { isObject, Json, JsonObject } from './json';

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
      ...(Object.keys(chosen).length ? { select: chosen } : {}),
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

/** The declaration with other entries. */
export function withEntries(metadata: IMetadata, changed: Json[]): IMetadata {
  return { ...metadata, [KEY]: { ...declared(metadata), requirements: changed } };
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

/** Take over the attachments that a save added on the server. */
export function withAttached(metadata: IMetadata, added: readonly Json[]): IMetadata {
  const list = metadata[ATTACHMENTS_KEY];
  const known = attachments(metadata);
  const fresh = attachments({ [ATTACHMENTS_KEY]: [...added] }).filter(
    one => !known.some(other => other.did === one.did || other.handle === one.handle)
  );
  const entry = (one: (typeof fresh)[number]): Json => ({ did: one.did, type: 'collection', variableName: one.handle });
  return Array.isArray(list) && fresh.length
    ? { ...metadata, [ATTACHMENTS_KEY]: [...list, ...fresh.map(entry)] }
    : metadata;
}
