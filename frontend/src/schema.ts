/** What panel and server exchange. `make types` makes it from schemas/nbrucio_schemas/openapi.json. */

export type IDidType = 'FILE' | 'DATASET' | 'CONTAINER';
/**
 * Rucio's data identifier, scope:name.
 */
export type IDeclaredDid = string;
/**
 * The result of a test.
 */
export type IInstanceTested = ITested & {
  name: string;
};
export type IOpenLevel = 'off' | 'read' | 'look' | 'fetch';
/**
 * DID, type, bytes, files, whether it is open.
 *
 * @minItems 5
 * @maxItems 5
 */
export type IRow = [string, 'FILE' | 'DATASET' | 'CONTAINER', number | null, number | null, boolean];
/**
 * A line of a streamed answer.
 */
export type ILine = IRow[] | IUnsized | IEnd | IFailure;
/**
 * A rule on a DID, of any account.
 */
export type IDidRule = IRule & {
  account: string;
  /**
   * Why it is stuck.
   */
  reasons: string[];
};
/**
 * A rule that nbrucio made, with the size of its DID as Rucio counts it now.
 */
export type IOwnRule = IRule & {
  files: number | null;
  bytes: number | null;
};
/**
 * An upload with its log and its files.
 */
export type IUploadDetails = IUploadJob & {
  log: string[];
  files: IUploadedFile[];
};

/**
 * The answer of a request that failed.
 */
export interface IFailure {
  error: IError;
}
export interface IError {
  /**
   * Its kind, which never changes its meaning.
   */
  code: string;
  exit_code: number;
  message: string;
  /**
   * The DID, file, handle or setting that it is about.
   */
  subject: string | null;
  hint: string | null;
  /**
   * The command that helps; capital words are to be filled in.
   */
  next_command: string | null;
  /**
   * Of a wrong search condition, which is the subject: beginning and end of the wrong part, in characters.
   *
   * @minItems 2
   * @maxItems 2
   */
  position?: [number, number];
}
/**
 * The progress of one requirement; data that was available before counts as done.
 */
export interface IShare {
  files_total: number;
  files_done: number;
  /**
   * Null where Rucio does not know the size of a file.
   */
  bytes_total: number | null;
  bytes_done: number;
}
/**
 * The progress or the result of a sync. The totals of the download are null until they are known.
 */
export interface ISyncRun {
  state: 'syncing' | 'done' | 'failed';
  files_total: number | null;
  files_done: number;
  bytes_total: number | null;
  bytes_done: number;
  /**
   * By handle; empty until the plan is made.
   */
  handles: {
    [k: string]: IShare;
  };
  /**
   * At the end, the state of each requirement by handle.
   */
  requirements?: {
    [k: string]: 'ready' | 'partial' | 'missing' | 'failed';
  };
  /**
   * Why the sync failed.
   */
  message?: string;
  /**
   * In GET /status: the errors of a finished sync, by handle.
   */
  errors?: {
    [k: string]: IError[];
  };
  /**
   * In GET /status: the changes in Rucio, by handle.
   */
  drift?: {
    [k: string]: string;
  };
}
/**
 * The sync; null where the administrator allows none.
 */
export interface ISyncStarted {
  sync: ISyncRun | null;
}
/**
 * Each file once, also of several requirements.
 */
export interface ITotals {
  files: number;
  /**
   * Null where Rucio does not know the size of a file.
   */
  bytes: number | null;
  here_files: number;
  here_bytes: number | null;
}
/**
 * An entry of the declaration that is no valid requirement; its error is in `faults`, too.
 */
export interface IInvalidRequirement {
  /**
   * Its place in the declaration, from 1.
   */
  number: number;
  handle: string | null;
  error: IError;
}
/**
 * A notebook as in the result of `nbrucio status`, and what a panel shows besides.
 */
export interface INotebookStatus {
  notebook: string;
  /**
   * The file that its kernels read.
   */
  manifest: string | null;
  requirements: IRequirement[];
  faults: IError[];
  invalid: IInvalidRequirement[];
  /**
   * Other faults of the declaration, and its unknown keys.
   */
  warnings: IError[];
  /**
   * Logins to the notebook's instances that end soon or have ended.
   */
  ending_logins: IError[];
  totals: ITotals;
  /**
   * The last sync since the server started.
   */
  sync: ISyncRun | null;
}
export interface IRequirement {
  handle: string;
  did: string;
  /**
   * Null where none is configured or named.
   */
  instance: string | null;
  state: 'ready' | 'partial' | 'missing' | 'failed';
  type: IDidType | null;
  open: boolean | null;
  /**
   * sha256:… of its file list.
   */
  digest: string | null;
  /**
   * The difference between Rucio and the lock, in words.
   */
  drift: string | null;
  /**
   * Bytes; null where Rucio does not know.
   */
  bytes: number | null;
  here_files: number;
  /**
   * Bytes; null where Rucio does not know.
   */
  here_bytes: number | null;
  reread_files: number;
  /**
   * Bytes; null where Rucio does not know.
   */
  reread_bytes: number | null;
  unverified_files: number;
  /**
   * A folder of links to its files.
   */
  folder: string | null;
  files_total: number;
  /**
   * Only absent where a request did not ask for the files.
   */
  files?: IFile[];
  errors: IError[];
  /**
   * Why a status with a check could not ask Rucio about it.
   */
  unchecked: IError | null;
}
export interface IFile {
  did: string;
  /**
   * Bytes; null where Rucio does not know.
   */
  bytes: number | null;
  /**
   * adler32:… or md5:…; null without one.
   */
  checksum: string | null;
  access: 'store' | 'mount' | 'download' | 'stream' | 'missing' | 'reread';
  /**
   * Where it can be opened; null when it cannot.
   */
  path: string | null;
  /**
   * The URL of a streamed file.
   */
  pfn: string | null;
  /**
   * It is used without a checksum.
   */
  unverified: boolean;
  error: IError | null;
}
/**
 * The locks, as the metadata holds them; where nothing could be resolved, the answer is the first error instead.
 */
export interface ILocked {
  /**
   * By handle; for a variant with @ and its name.
   */
  lock: {
    [k: string]: IDeclaredLock;
  };
  /**
   * By handle.
   */
  instances: {
    [k: string]: string;
  };
  /**
   * By handle: what could not be resolved.
   */
  errors: {
    [k: string]: IError;
  };
}
export interface IDeclaredLock {
  did: IDeclaredDid;
  select?: IDeclaredSelect | null;
  type: 'FILE' | 'DATASET' | 'CONTAINER';
  files: number;
  bytes: number | null;
  open: boolean;
  /**
   * SHA-256 over the sorted lines of the file list, each ended by a line feed.
   */
  digest: string;
  locked: string;
  /**
   * The SHA-256 of files that were verified on the machine that wrote the lock, by DID.
   */
  sha256?: {
    [k: string]: string;
  } | null;
  /**
   * The file list itself: scope:name, bytes and adler32 or md5, separated by tabs; '-' where unknown.
   *
   * @maxItems 64
   */
  pinned?: string[] | null;
}
/**
 * A deterministic subset of the files, which are sorted by DID; the conditions apply in this order.
 */
export interface IDeclaredSelect {
  /**
   * A glob on the file's name.
   */
  match?: string | null;
  first?: number | null;
  max_bytes?: number | null;
}
/**
 * Whether it was running.
 */
export interface ICancelled {
  cancelled: boolean;
}
/**
 * A question for consent that a cell waits for.
 */
export interface IQuestion {
  id: string;
  handles: string[];
}
/**
 * The question, or null.
 */
export interface IAsked {
  question: IQuestion | null;
}
/**
 * A configured Rucio server, without credentials.
 */
export interface IInstance {
  name: string;
  identity: string;
  /**
   * Its name in notebooks.
   */
  written: string;
  host: string;
  account: string | null;
  auth_type: string | null;
  default: boolean;
  /**
   * The RSEs that are mounted here.
   */
  mounts: string[];
  webui: string | null;
}
/**
 * Which ways to a first instance are possible here, besides typing its address.
 */
export interface IWays {
  sandbox: boolean;
  import: boolean;
}
/**
 * The configured instances.
 */
export interface IInstances {
  instances: IInstance[];
  /**
   * Instances whose settings are wrong.
   */
  faults: {
    name: string;
    error: IError;
  }[];
  warnings: string[];
  /**
   * The administrator allows no further instances.
   */
  fixed: boolean;
  /**
   * What to do in a session of SWAN that was started without Rucio.
   */
  start: string | null;
  /**
   * Null when there is an instance.
   */
  ways: IWays | null;
}
/**
 * The instance, and the configuration file.
 */
export interface IInstanceAdded {
  name: string;
  file: string;
}
export interface ITested {
  ok: boolean;
  /**
   * The Rucio account of the login.
   */
  account: string | null;
  /**
   * In order; after a failure there are no more.
   */
  steps: {
    name: 'server' | 'clock' | 'login';
    text: string;
    error: IError | null;
  }[];
}
/**
 * What was found, and the configuration file.
 */
export interface IInstancesImported {
  found: {
    name: string;
    where: string;
    /**
     * Why it was not added.
     */
    skipped: string | null;
  }[];
  file: string | null;
  notices: string[];
}
/**
 * The user's consent to a download.
 */
export interface IGrant {
  instance: string;
  did: string;
  max_bytes: number | null;
  expires: string;
}
/**
 * The grants that have not expired.
 */
export interface IGrants {
  grants: IGrant[];
}
/**
 * What may happen when a notebook opens.
 */
export interface IOpeningLimits {
  level: IOpenLevel;
  budget_bytes: number;
}
/**
 * The actions in force, and those that the administrator allows.
 */
export interface IOpening {
  level: IOpenLevel;
  budget_bytes: number;
  allowed: IOpeningLimits;
}
/**
 * The store's folder and its space.
 */
export interface IStoreSpace {
  path: string;
  free_bytes: number | null;
  /**
   * Null unless it was counted.
   */
  files: number | null;
  bytes: number | null;
  keep_free_bytes: number;
  max_download_bytes: number | null;
  offline: boolean;
}
/**
 * Before the end of a search by size: DIDs of which Rucio has no size.
 */
export interface IUnsized {
  unsized: string[];
  /**
   * There are more.
   */
  unsized_cut: boolean;
}
/**
 * The last line of an answer without error.
 */
export interface IEnd {
  end: true;
}
/**
 * The part of a DID at one RSE.
 */
export interface IReplicas {
  rse: string;
  /**
   * Files that can be read.
   */
  files: number;
  /**
   * Files of all datasets that have at least one file at the RSE.
   */
  files_total: number;
  bytes: number | null;
  states: string[];
  /**
   * The RSE stores on tape.
   */
  tape: boolean;
  /**
   * The RSE is mounted on this machine.
   */
  mounted: boolean;
}
export interface IRule {
  id: string;
  did: string;
  rse: string;
  state: 'OK' | 'REPLICATING' | 'STUCK' | 'SUSPENDED' | 'WAITING_APPROVAL' | 'INJECT';
  ok: number;
  replicating: number;
  stuck: number;
  error: string | null;
  expires: string | null;
  /**
   * nbrucio made it.
   */
  ours: boolean;
}
/**
 * Rucio's answers about a DID.
 */
export interface IDetails {
  did: string;
  type: IDidType;
  open: boolean;
  bytes: number | null;
  files: number | null;
  metadata: {
    [k: string]: string | number | boolean | null;
  };
  replicas: IReplicas[];
  /**
   * Only the first datasets of a large container were checked.
   */
  replicas_cut: boolean;
  rules: IDidRule[];
  /**
   * Its page in the WebUI.
   */
  webui: string | null;
  /**
   * The path of its available data in the store.
   */
  path: string | null;
  /**
   * By part, the errors of requests that failed.
   */
  faults: {
    [k: string]: IError;
  };
}
/**
 * Where the user can upload to.
 */
export interface IPlaces {
  account: string | null;
  /**
   * The user's own.
   */
  scopes: string[];
  rses: string[];
  /**
   * The words that run nbrucio in a terminal.
   */
  program: string;
}
/**
 * Replace the characters from start to end by text.
 */
export interface IChange {
  start: number;
  end: number;
  text: string;
}
/**
 * The plan of a sync of one DID.
 */
export interface ICost {
  /**
   * By Rucio's sums only, as if no file were in the store.
   */
  cut: boolean;
  /**
   * By access.
   */
  access: {
    [k: string]: IAmount;
  };
  /**
   * The limit that the download would exceed.
   */
  refusal: IError | null;
  /**
   * Rucio's own sums, by which it is estimated; null where each file was looked up.
   */
  sums: IReplicaSums | null;
}
export interface IAmount {
  files: number;
  /**
   * Bytes; null where Rucio does not know.
   */
  bytes: number | null;
}
export interface IReplicaSums {
  /**
   * Rucio's sums by RSE, those with the most files first.
   */
  rses: {
    rse: string;
    files: number;
    /**
     * Bytes; null where Rucio does not know.
     */
    bytes: number | null;
  }[];
  /**
   * Files whose access is estimated.
   */
  files: number;
  /**
   * Of these, the files that the sums do not show a replica of.
   */
  unsure_files: number;
}
/**
 * The user's quota at an RSE.
 */
export interface IQuota {
  rse: string;
  /**
   * Bytes.
   */
  used: number;
  /**
   * Bytes; null without a limit.
   */
  limit: number | null;
  mounted: boolean;
}
export interface IQuotas {
  quotas: IQuota[];
}
/**
 * The rule, and whether it was made now.
 */
export interface IStaged {
  made: boolean;
  rule: IRule;
}
/**
 * The names of all scopes; the user's own are in both lists.
 */
export interface IScopes {
  own: string[];
  scopes: string[];
}
/**
 * The account at an instance, or the error of its login.
 */
export interface ILoginChecked {
  instance: string;
  account: string | null;
  error: IError | null;
}
/**
 * Where the user logs in.
 */
export interface ILoginPage {
  url: string;
  expires_at: string;
  /**
   * The page shows a code; otherwise nbrucio waits.
   */
  paste_code: boolean;
}
/**
 * A login. 'running' and 'waiting' (for the user, at the page) are not the end: ask again.
 */
export interface ILoginJob {
  id: string;
  instance: string;
  state: 'running' | 'waiting' | 'done' | 'failed';
  page: ILoginPage | null;
  login: ILogin | null;
  error: IError | null;
}
/**
 * The login at one instance.
 */
export interface ILogin {
  instance: string;
  server: string | null;
  host: string | null;
  vo: string | null;
  auth_type: string | null;
  default: boolean;
  state: 'active' | 'ended' | 'unreachable' | 'unchecked' | 'failed';
  account: string | null;
  /**
   * A DN, SUB and ISS, or a username.
   */
  identity: string | null;
  /**
   * The credential.
   */
  by: ICredential | null;
  /**
   * When the user must act; null where no end is known.
   */
  until: string | null;
  renewed_by: string | null;
  error: IError | null;
}
export interface ICredential {
  kind: 'password' | 'saved-token' | 'token' | 'proxy' | 'certificate' | 'ssh-key' | 'kerberos';
  file: string | null;
  variable: string | null;
}
/**
 * The newest first.
 */
export interface IRules {
  rules: (IDidRule | IOwnRule)[];
}
/**
 * The rule as it was.
 */
export interface IRuleRemoved {
  removed: IRule;
}
/**
 * An upload. The totals are null until they are known.
 */
export interface IUploadJob {
  id: string;
  state: 'waiting' | 'uploading' | 'done' | 'failed';
  /**
   * As the contents API calls them.
   */
  paths: string[];
  rse: string;
  scope: string;
  dataset: string | null;
  lifetime_s: number | null;
  instance: string | null;
  created: string;
  failed_files: number;
  /**
   * The first files that were not uploaded.
   */
  failures: IUploadedFile[];
  error: IError | null;
  files_total: number | null;
  files_done: number;
  bytes_total: number | null;
  bytes_done: number;
}
export interface IUploadedFile {
  path: string;
  did: string;
  bytes: number;
  state: 'uploaded' | 'present' | 'failed' | 'waiting';
  error: IError | null;
}
/**
 * The newest first.
 */
export interface IUploads {
  uploads: IUploadJob[];
}
/**
 * An OpenAPI document.
 */
export interface IDescription {
  [k: string]: unknown;
}
/**
 * A notebook.
 */
export interface INotebookNamed {
  /**
   * The notebook, as the contents API calls it.
   */
  path: string;
}
/**
 * A sync.
 */
export interface ISyncRequest {
  /**
   * The notebook, as the contents API calls it.
   */
  path: string;
  /**
   * The notebook was opened: grants decide what is downloaded.
   */
  open?: boolean;
  /**
   * With 'open': also if it was opened a moment ago, because it changed.
   */
  again?: boolean;
  /**
   * The consent is for this sync only.
   */
  once?: boolean;
  /**
   * Ask Rucio again about what was resolved before.
   */
  refresh?: boolean;
}
/**
 * Requirements to lock.
 */
export interface ILockRequest {
  /**
   * The notebook, as the contents API calls it.
   */
  path: string;
  /**
   * Only these; all when absent.
   */
  handles?: string[];
}
/**
 * An answer to the question of a cell.
 */
export interface IReply {
  /**
   * The notebook, as the contents API calls it.
   */
  path: string;
  id: string;
  answer: 'shown' | 'declined';
}
/**
 * A Rucio server that is not configured yet.
 */
export interface INewInstance {
  /**
   * Its short name; without it the host gives one.
   */
  name?: string | null;
  /**
   * As in config.toml: host, auth_type, account and what the login needs. A host without a scheme is https.
   */
  settings: {
    [k: string]: unknown;
  };
  /**
   * Make it the default instance; not read by a test.
   */
  default?: boolean;
}
/**
 * Consent to a download.
 */
export interface IConsent {
  did: string;
  /**
   * A configured instance; the default one when absent.
   */
  instance?: string | null;
  /**
   * Null when the size is unknown; the grant then has the limit of the opening budget.
   */
  max_bytes?: number | null;
}
/**
 * Consent to take back.
 */
export interface IWithdrawal {
  did: string;
  /**
   * A configured instance; the default one when absent.
   */
  instance?: string | null;
}
/**
 * The user's choice; null means the administrator's.
 */
export interface IOpeningChoice {
  level?: IOpenLevel | null;
  budget_bytes?: number | null;
}
/**
 * A DID that is dropped into a cell.
 */
export interface IDropped {
  /**
   * The cell's text.
   */
  source: string;
  /**
   * Where it is dropped, in characters.
   */
  offset: number;
  did: string;
  cell?: 'code' | 'markdown' | 'raw';
  language?: string;
}
/**
 * A rule to make.
 */
export interface IStageOrder {
  did: string;
  rse: string;
  /**
   * 12h, 30d or 2w; the usual one when absent.
   */
  lifetime?: string | null;
  /**
   * A configured instance; the default one when absent.
   */
  instance?: string | null;
}
/**
 * A login to start; or with 'id' and 'code' the code of a started one.
 */
export interface ILoginRequest {
  /**
   * A configured instance; the default one when absent.
   */
  instance?: string | null;
  username?: string | null;
  /**
   * For userpass, or the passphrase for voms-proxy-init and kinit; used once and saved nowhere.
   */
  password?: string | null;
  /**
   * For x509_proxy: the virtual organisation.
   */
  voms?: string | null;
  /**
   * Renew a credential that is still valid.
   */
  renew?: boolean;
  /**
   * For oidc.
   */
  way?: 'browser' | 'htgettoken' | 'oidc-token' | null;
  /**
   * The page shows a code; otherwise nbrucio waits.
   */
  paste_code?: boolean;
  /**
   * A started login, with 'code'.
   */
  id?: string;
  code?: string;
}
/**
 * A login or an upload.
 */
export interface IJobNamed {
  id: string;
}
/**
 * An instance.
 */
export interface ILogoutRequest {
  /**
   * A configured instance; the default one when absent.
   */
  instance?: string | null;
}
/**
 * A rule.
 */
export interface IRuleNamed {
  id: string;
  /**
   * A configured instance; the default one when absent.
   */
  instance?: string | null;
}
/**
 * An upload.
 */
export interface IUploadOrder {
  /**
   * As the contents API calls them.
   */
  paths: string[];
  rse: string;
  scope: string;
  /**
   * It is made if needed.
   */
  dataset?: string | null;
  /**
   * 12h, 30d or 2w; for ever when absent.
   */
  lifetime?: string | null;
  /**
   * A configured instance; the default one when absent.
   */
  instance?: string | null;
}
export interface ILoggedOut {
  instance: string;
  /**
   * There was a saved token.
   */
  removed: boolean;
  /**
   * What still logs in, in words.
   */
  remains: string | null;
}
/**
 * nbrucio plan, nbrucio sync --dry-run.
 */
export interface IPlan {
  version: 1;
  /**
   * The exit code of the process, see docs/exit-codes.md.
   */
  exit_code: number;
  /**
   * All errors, each once.
   */
  errors: IError[];
  download: IAmount;
  /**
   * By access.
   */
  access: {
    [k: string]: IAmount;
  };
  /**
   * The rate of the last sync.
   */
  bytes_per_s: number | null;
  /**
   * Time of the download at that rate.
   */
  seconds: number | null;
  free_bytes: number | null;
  free_after_bytes: number | null;
  /**
   * What this session may still download, with max_session.
   */
  session_left_bytes: number | null;
  /**
   * The reason for the limits of this site, of its operator.
   */
  reason: string | null;
  /**
   * The limit that the plan exceeds.
   */
  refusal: IError | null;
  notebooks: IPlannedNotebook[];
  /**
   * The RSEs of the downloads.
   */
  sources: {
    rse: string;
    files: number;
    reason: string;
  }[];
}
export interface IPlannedNotebook {
  notebook: string;
  requirements: {
    handle: string;
    did: string;
    instance: string | null;
    files: number;
    /**
     * Bytes; null where Rucio does not know.
     */
    bytes: number | null;
    /**
     * By access.
     */
    access: {
      [k: string]: IAmount;
    };
    unverified_files: number;
    drift: string | null;
    /**
     * Files without an available replica.
     */
    missing: {
      did: string;
      /**
       * Bytes; null where Rucio does not know.
       */
      bytes: number | null;
      code: string | null;
    }[];
    errors: IError[];
    /**
     * Rucio's own sums, by which the access is estimated; null where each file was looked up.
     */
    sums: IReplicaSums | null;
  }[];
  faults: IError[];
}
/**
 * nbrucio whoami, nbrucio login.
 */
export interface IWhoami {
  version: 1;
  /**
   * The exit code of the process, see docs/exit-codes.md.
   */
  exit_code: number;
  /**
   * All errors, each once.
   */
  errors: IError[];
  instances: ILogin[];
}
