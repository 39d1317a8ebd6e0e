/** One edit taken back or made again in a value that others have changed meanwhile. Pure. */

import { same, VERSION } from './declaration';
import { isObject, Json, JsonObject } from './json';

type Maybe = Json | undefined;

/** `now` with the change that leads from `from` to `to`. Changes of other entries and keys stay. */
export function reapplied(now: Maybe, from: Maybe, to: Maybe): Maybe {
  // The edit began or ended without a declaration: it goes only if nobody else wrote into it.
  return same(now, from) ? to : changed(now, from ?? blank(now), to ?? blank(now));
}

function blank(value: Maybe): Maybe {
  return isObject(value) ? { version: value.version ?? VERSION, requirements: [] } : [];
}

function changed(now: Maybe, from: Maybe, to: Maybe): Maybe {
  if (same(from, to)) {
    return now;
  }
  if (isObject(now) && (isObject(from) || isObject(to))) {
    return objectOf(now, isObject(from) ? from : {}, isObject(to) ? to : {});
  }
  if (Array.isArray(now) && Array.isArray(from) && Array.isArray(to)) {
    return listOf(now, from, to);
  }
  return to;
}

function objectOf(now: JsonObject, from: JsonObject, to: JsonObject): Maybe {
  const result: JsonObject = {};
  for (const key of new Set([...Object.keys(to), ...Object.keys(now)])) {
    const value = changed(now[key], from[key], to[key]);
    if (value !== undefined) {
      result[key] = value;
    }
  }
  // An object that only the edit had entries in goes with them.
  return Object.keys(result).length || Object.keys(to).length ? result : undefined;
}

/** Lists of requirements and attachments, whose entries are told apart by handle. */
function listOf(now: Json[], from: Json[], to: Json[]): Json[] {
  const present = byName(now);
  const before = byName(from);
  const after = byName(to);
  const kept = [...after].map(([name, entry]) => changed(present.get(name), before.get(name), entry));
  const others = [...present].filter(([name]) => !after.has(name) && !before.has(name)).map(([, entry]) => entry);
  return [...kept.filter(entry => entry !== undefined), ...others];
}

function byName(list: Json[]): Map<string, Json> {
  return new Map(list.map(entry => [nameOf(entry), entry]));
}

function nameOf(entry: Json): string {
  const name = isObject(entry) ? (entry.handle ?? entry.variableName) : undefined;
  return typeof name === 'string' ? `name ${name}` : JSON.stringify(entry);
}
