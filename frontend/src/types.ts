/** The server's answers under `nbrucio/` as the panel calls them; their form is `schema.ts`. Sizes are in bytes. */

import { IError, IFile, IOwnRule, IPlannedNotebook, IRequirement, IRule as IAnyRule } from './schema';

export type {
  IDidRule,
  IDidType as DidType,
  IGrant,
  IInstance,
  IInstances,
  INotebookStatus as IStatus,
  IPlan,
  IReplicaSums as ISums,
  IRequirement as IRequirementStatus,
  IRow as Hit,
  IShare,
  ISyncRun as IRun,
  ITotals
} from './schema';

/** An error and the next action; one that the browser found has the first two keys only. */
export type IFault = Pick<IError, 'code' | 'message'> & Partial<IError>;
/** A replication rule; the size of its DID is that of a rule that nbrucio made. */
export type IRule = IAnyRule & Partial<IOwnRule>;
/** The plan of one requirement. */
export type IPlanRow = IPlannedNotebook['requirements'][number];
/** `failed`: it could not be resolved; `partial`: some of its files are here. */
export type RequirementState = IRequirement['state'];
export type Access = IFile['access'];
