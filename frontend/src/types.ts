/** The server's responses under `nbrucio/`, described by `nbrucio/openapi.json`. Sizes are in bytes. */

/** An error and the next action. */
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

/** One requirement in the response of `GET status`. */
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

/** The progress of one requirement; data that was already available counts as done. */
export interface IShare {
  files_total: number;
  files_done: number;
  /** Null where Rucio does not know the size of a file. */
  bytes_total: number | null;
  bytes_done: number;
}

/** The progress or result of a sync. The totals of the download are null until they are known. */
export interface IRun {
  state: 'syncing' | 'done' | 'failed';
  handles?: { [handle: string]: IShare };
  /** By handle; only in `GET status` of a finished sync. */
  errors?: { [handle: string]: IFault[] };
  drift?: { [handle: string]: string };
  files_total?: number | null;
  files_done?: number;
  bytes_total?: number | null;
  bytes_done?: number;
  requirements?: { [handle: string]: string };
  message?: string;
}

/** Each file once, also of several requirements; bytes are null where Rucio does not know the size of a file. */
export interface ITotals {
  files: number;
  bytes: number | null;
  here_files: number;
  here_bytes: number | null;
}

export interface IStatus {
  notebook: string;
  manifest: string | null;
  requirements: IRequirementStatus[];
  totals: ITotals;
  faults: IFault[];
  sync: IRun | null;
}

export type Access = 'store' | 'reread' | 'mount' | 'download' | 'stream' | 'missing';

/** The plan of one requirement. */
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
  /** Its name in notebooks. */
  written: string;
  host: string;
  account: string | null;
  auth_type: string | null;
  default: boolean;
  mounts: string[];
}

export interface IInstances {
  /** The administrator allows no further instances. */
  fixed: boolean;
  /** The ways to a first instance; null when there is one. */
  ways: { sandbox: boolean; import: boolean } | null;
  instances: IInstance[];
  faults: { name: string; error: IFault }[];
  warnings: string[];
  /** What to do in a session of SWAN that was started without Rucio. */
  start?: string | null;
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
