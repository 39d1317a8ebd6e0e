/**
 * The declaration in a notebook's metadata.
 *
 * Its form is `schemas/nbrucio_schemas/declaration-1.schema.json`. Beside it rucio-jupyterlab's `rucio_attachments` is
 * read.
 */

import { isObject, Json, JsonObject } from './json';

export const KEY = 'nbrucio';
export const ATTACHMENTS_KEY = 'rucio_attachments';
export const VERSION = 1;
/** nbrucio reads no longer declaration. */
export const MAX_REQUIREMENTS = 10_000;

/** A deterministic subset of a requirement's files. */
export interface ISelection {
  match?: string;
  first?: number;
  max_bytes?: number;
}

export interface IRequirement {
  /** Its place in the declaration, from 1. */
  number: number;
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

/** An entry that cannot be read as a requirement: its readable parts. */
export interface IInvalid {
  number: number;
  did: string | null;
  handle: string | null;
  select: ISelection | null;
  access: string | null;
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
  invalid: IInvalid[];
  /** The metadata is there and cannot be used: from a newer version, or malformed. */
  unreadable: boolean;
}

/** The two keys of a notebook's metadata that matter here; undefined where a key is absent. */
export interface IMetadata {
  [KEY]?: Json | undefined;
  [ATTACHMENTS_KEY]?: Json | undefined;
}

/** Another requirement would make the declaration too long to be read. */
export function isFull(declaration: IDeclaration): boolean {
  return declaration.requirements.length + declaration.invalid.length >= MAX_REQUIREMENTS;
}

export function read(metadata: IMetadata): IDeclaration {
  const value = metadata[KEY];
  const unreadable =
    value !== undefined && value !== null && !(isObject(value) && (value.version ?? VERSION) === VERSION);
  const byHandle = new Map<string, IRequirement>();
  const invalid: IInvalid[] = [];
  for (const [at, entry] of (unreadable ? [] : entries(value)).entries()) {
    const one = requirement(entry, at + 1);
    if (one && !byHandle.has(one.handle)) {
      byHandle.set(one.handle, one);
    } else {
      invalid.push(invalidEntry(entry, at + 1));
    }
  }
  const requirements = [...byHandle.values()];
  const declared = new Set(requirements.map(one => one.did));
  const attached = attachments(metadata).filter(one => !declared.has(one.did));
  return { requirements, lock: locks(value, requirements), attached, invalid, unreadable };
}

/** Whether two selections are equal. */
export function sameSelection(one: ISelection | null, other: ISelection | null): boolean {
  const text = (select: ISelection | null): string =>
    JSON.stringify([select?.match ?? null, select?.first ?? null, select?.max_bytes ?? null]);
  return text(one) === text(other);
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

export function declared(metadata: IMetadata): JsonObject {
  const value = metadata[KEY];
  return isObject(value) ? value : { version: VERSION, requirements: [] };
}

export function entries(value: Json | undefined): Json[] {
  return isObject(value) && Array.isArray(value.requirements) ? value.requirements : [];
}

export function requirement(entry: Json, number = 0): IRequirement | null {
  if (!isObject(entry) || typeof entry.handle !== 'string') {
    return null;
  }
  const did = didWords(entry.did);
  if (did === null) {
    return null;
  }
  return {
    number,
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

function invalidEntry(entry: Json, number: number): IInvalid {
  const { did, handle, select, access } = isObject(entry) ? entry : ({} as JsonObject);
  return {
    number,
    did: didWords(did),
    handle: typeof handle === 'string' ? handle : null,
    select: selection(select),
    access: typeof access === 'string' ? access : null
  };
}

function didWords(did: Json | undefined): string | null {
  return typeof did === 'string' ? did : isObject(did) ? parameterWords(did) : null;
}

/** A DID that is chosen by a parameter of the notebook, as it is shown. */
export function parameterWords(value: JsonObject): string {
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

export function attachments(metadata: IMetadata): { did: string; handle: string }[] {
  const list = metadata[ATTACHMENTS_KEY];
  const found: { did: string; handle: string }[] = [];
  for (const item of Array.isArray(list) ? list : []) {
    if (isObject(item) && typeof item.did === 'string' && typeof item.variableName === 'string') {
      found.push({ did: item.did, handle: item.variableName });
    }
  }
  return found;
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
