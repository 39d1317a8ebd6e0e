/** What the server answers under `nbrucio/`; its description is `nbrucio/openapi.json`. Sizes are in bytes. */

/** What went wrong and what to do about it. */
export interface IFault {
  code: string;
  message: string;
  exit_code?: number;
  subject?: string | null;
  hint?: string | null;
  next_command?: string | null;
}

export type DidType = 'FILE' | 'DATASET' | 'CONTAINER';

/** `failed`: it could not be resolved; `partial`: some of its files are here. */
export type RequirementState = 'ready' | 'partial' | 'missing' | 'failed';

/** One requirement as `GET status` tells it. */
export interface IRequirementStatus {
  handle: string;
  did: string;
  instance: string | null;
  state: RequirementState;
  type: DidType | null;
  open: boolean | null;
  digest: string | null;
  drift: string | null;
  /** Bytes are null where Rucio does not know the size of a file. */
  bytes: number | null;
  here_files: number;
  here_bytes: number | null;
  /** Files that are here and of which Rucio has no checksum. */
  unverified_files: number;
  files_total: number;
  folder: string | null;
  errors: IFault[];
}

/** How far one requirement is; what was here before counts as done. */
export interface IShare {
  files_total: number;
  files_done: number;
  /** Null where Rucio does not know the size of a file. */
  bytes_total: number | null;
  bytes_done: number;
}

/** How far a sync is, or how it ended. Totals, of what is downloaded, are null as long as they are unknown. */
export interface IRun {
  state: 'syncing' | 'done' | 'failed';
  handles?: { [handle: string]: IShare };
  /** By handle; only `GET status` tells them, of a sync that is over. */
  errors?: { [handle: string]: IFault[] };
  drift?: { [handle: string]: string };
  files_total?: number | null;
  files_done?: number;
  bytes_total?: number | null;
  bytes_done?: number;
  requirements?: { [handle: string]: string };
  message?: string;
}

export interface IStatus {
  notebook: string;
  manifest: string | null;
  requirements: IRequirementStatus[];
  faults: IFault[];
  sync: IRun | null;
}

export type Access = 'store' | 'reread' | 'mount' | 'download' | 'stream' | 'missing';

/** What a sync would do for one requirement. */
export interface IPlanRow {
  handle: string;
  did: string;
  error: IFault | null;
  access: { [way in Access]: { files: number; bytes: number | null } };
  unverified_files: number;
}

export interface IPlan {
  download_files: number;
  download_bytes: number | null;
  refusal: IFault | null;
  requirements: IPlanRow[];
}

export interface IInstance {
  name: string;
  identity: string;
  /** What a notebook names it by. */
  written: string;
  host: string;
  account: string | null;
  auth_type: string | null;
  default: boolean;
  mounts: string[];
}

export interface IInstances {
  instances: IInstance[];
  faults: { name: string; error: IFault }[];
  warnings: string[];
}

export interface IGrant {
  instance: string;
  did: string;
  max_bytes: number | null;
  expires: string;
}

/** A replication rule; `ours` when nbrucio made it. */
export interface IRule {
  id: string;
  did: string;
  rse: string;
  state: string;
  ok: number;
  replicating: number;
  stuck: number;
  error: string | null;
  expires: string | null;
  ours: boolean;
}
