/** What an operation of CloudWatch Logs is given. */
import type { FrontRequest } from '../../front/contract.js';
import type { LogAccess } from './access.js';
import type { LogState } from './state.js';

export type LogStore = Readonly<{
  state: LogState;
  access: LogAccess;
  now: () => number;
  /** Events and bytes of a page; smaller in tests that page a lot. */
  page: Readonly<{ events: number; bytes: number }>;
}>;

export type LogCall = Readonly<{ request: FrontRequest; members: Readonly<Record<string, unknown>> }>;
export type Operation = (store: LogStore, call: LogCall) => Readonly<Record<string, unknown>>;
