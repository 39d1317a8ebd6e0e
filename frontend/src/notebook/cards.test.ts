import { nullTranslator } from '@jupyterlab/translation';
import { isValidElement, ReactElement, ReactNode } from 'react';
import { expect, it, test, vi } from 'vitest';

import { NotebookData } from '../notebookdata';
import { IFault, IPlan } from '../types';
import { PlanCard } from './cards';
import { EndingLogins } from './endinglogins';

const trans = nullTranslator.load('nbrucio');
const PLAN: IPlan = {
  version: 1,
  exit_code: 0,
  errors: [],
  download: { files: 0, bytes: 0 },
  access: {},
  bytes_per_s: null,
  seconds: null,
  free_bytes: null,
  free_after_bytes: null,
  session_left_bytes: null,
  refusal: null,
  reason: null,
  notebooks: [],
  sources: []
};
const ENDING: IFault = {
  code: 'credentials',
  message: 'The proxy /tmp/x509up_u1 for cms ends in 20 min (12:00).',
  hint: null,
  next_command: 'nbrucio login cms'
};

type Element = ReactElement<{ children?: ReactNode; onClick?: () => void }>;

/** The elements in `node`, itself first. */
function elements(node: ReactNode): Element[] {
  if (Array.isArray(node)) {
    return (node as ReactNode[]).flatMap(elements);
  }
  return isValidElement<Element['props']>(node) ? [node, ...elements(node.props.children)] : [];
}

function paragraphs(node: ReactNode): ReactNode[] {
  return elements(node)
    .filter(one => one.type === 'p')
    .map(one => one.props.children);
}

test.each([
  ['Disks are small.', ["This site's reason for its limits: Disks are small."]],
  [null, []]
])("the plan gives the site's reason %s", (reason, lines) => {
  const card = PlanCard({ data: {} as NotebookData, trans, show: vi.fn(), plan: { ...PLAN, reason } });
  expect(paragraphs(card).slice(1)).toEqual(lines);
});

it('a plan by sums says so, and can ask for each file', () => {
  const makePlan = vi.fn();
  const sums = { rses: [{ rse: 'A', files: 1500, bytes: 3000 }], files: 2000, unsure_files: 500 };
  const nothing = { files: 0, bytes: 0 };
  const access = {
    store: nothing,
    reread: nothing,
    mount: nothing,
    download: { files: 2000, bytes: 4000 },
    stream: nothing,
    missing: nothing
  };
  const row = {
    handle: 'muons',
    did: 's:d',
    instance: null,
    files: 2000,
    bytes: 4000,
    access,
    unverified_files: 0,
    drift: null,
    missing: [],
    errors: [],
    sums
  };
  const nb = { notebook: 'nb', faults: [], requirements: [row] };
  const plan = { ...PLAN, access, notebooks: [nb] };
  const card = PlanCard({ data: { makePlan } as unknown as NotebookData, trans, show: vi.fn(), plan });
  const words = "By Rucio's sums of replicas. They do not show a replica of 500 files.";
  expect(paragraphs(card)[1]).toEqual(expect.arrayContaining([words]));
  elements(card)
    .find(one => one.props.children === 'Ask for each file')
    ?.props.onClick?.();
  expect(makePlan).toHaveBeenCalledWith(true);
  const exact = { ...plan, notebooks: [{ ...nb, requirements: [{ ...row, sums: null }] }] };
  const other = PlanCard({ data: {} as NotebookData, trans, show: vi.fn(), plan: exact });
  expect(paragraphs(other)).toHaveLength(1);
});

it("the site's reason is not repeated where the refusal gives it", () => {
  const refusal = {
    code: 'over-budget',
    exit_code: 6,
    message: 'Too much.',
    subject: null,
    hint: "This site's reason: Disks are small.",
    next_command: null
  };
  const plan = { ...PLAN, refusal, reason: 'Disks are small.' };
  expect(paragraphs(PlanCard({ data: {} as NotebookData, trans, show: vi.fn(), plan }))).toHaveLength(1);
});

it('logins that end soon are named, and lead to where one logs in', () => {
  const onSettings = vi.fn();
  const atlas = {
    ...ENDING,
    message: 'The token in TOKEN for atlas ends in 5 min (12:00).',
    hint: 'Start a new session.'
  };
  const card = EndingLogins({ faults: [ENDING, atlas], trans, onSettings });
  expect(paragraphs(card)).toEqual([ENDING.message, `${atlas.message} Start a new session.`]);
  const [button] = elements(card).filter(one => one.type === 'button');
  button?.props.onClick?.();
  expect(onSettings).toHaveBeenCalledOnce();
});

it('no login that ends soon takes no space', () =>
  expect(EndingLogins({ faults: [], trans, onSettings: vi.fn() })).toBeNull());
