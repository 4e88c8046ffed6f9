/** One line of load_dags.py's output as a value, or nothing: the line may come from a DAG. Pure. */
import { instantOf, intervalOf, readRuns, readSeeds, type Run, type Seed } from './load-runs.js';

export type LoadError = Readonly<{
  /** Below the DAG folder (a zip file's member behind its name); for plugins, their name for it. */
  file: string | undefined;
  /** In that file. */
  line: number | undefined;
  /** Where it was raised, if in another file of the user: "plugins/operators.py:12". */
  place: string | undefined;
  text: string;
  /** It came at every try, also without a stand-in; of a file that reads no variable, so always. */
  always: boolean;
  /** It came whatever the stand-in was. */
  again: boolean;
}>;
export type LoadedDag = Readonly<{
  dagId: string;
  schedule: string;
  /** null: nothing is scheduled; undefined: could not be had. */
  nextRun: string | null | undefined;
  /** Data interval of that run, "start/end"; a run without one has its date twice. */
  interval: string | null | undefined;
  /** In effect: the DAG's own or the default. */
  catchup: boolean | undefined;
  /** A part of another DAG, which starts it. */
  isSubDag: boolean;
  /** From where the runs were looked for, and the runs of each. */
  seeds: readonly Seed[];
  runs: readonly (readonly Run[])[];
  isPausedUponCreation: boolean | undefined; tasks: number; /** Of its access_control. */ roles: readonly string[];
}>;
export type Read = Readonly<{ kind: 'variable' | 'connection'; name: string; line: number | undefined }>;

type Result = Readonly<{
  /** late: stopped by us. killed: by a signal. ended: it ended its process itself. */
  outcome: 'loaded' | 'late' | 'killed' | 'ended';
  status: number | undefined;
  tail: string;
  errors: readonly LoadError[];
  dags: readonly LoadedDag[];
  reads: readonly Read[];
  /** How many of the file's errors and DAGs are beyond what a result holds. */
  cut: Readonly<{ errors: number; dags: number }>;
}>;
export type LoadedFile = Result & Readonly<{ kind: 'file'; file: string; /** What variables and connections that are not here stood for. */ standIn: string | undefined; /** It ended the program that watches over all files. */ endedLoader?: boolean }>;
export type LoadedPlugins = Result & Readonly<{ kind: 'plugins' }>;
export type LoadMessage = LoadedFile | LoadedPlugins | Readonly<{ kind: 'files'; files: readonly string[]; /** Beyond what is taken here. */ left: number; /** Airflow did not come to the end of listing them; there are none then. */ late: boolean }> | Readonly<{ kind: 'end' }>;

const MAX_LINE = 8 * 1024 * 1024, MAX_FILES = 50_000;
const OUTCOMES = ['loaded', 'late', 'killed', 'ended'] as const;

export function readLoadMessage(line: string): LoadMessage | undefined {
  if (line.length > MAX_LINE) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value)) return undefined;
  if (value['kind'] === 'end') return { kind: 'end' };
  if (value['kind'] === 'files') return filesOf(value);
  const outcome = OUTCOMES.find((one) => one === value['outcome']);
  if (outcome === undefined) return undefined;
  const result = {
    outcome, status: number(value['status']), tail: text(value['tail']) ?? '', errors: records(value['errors']).map(errorOf), dags: records(value['dags']).flatMap(dagOf), reads: records(value['reads']).flatMap(readOf),
    cut: { errors: countIn(value['cut'], 'errors'), dags: countIn(value['cut'], 'dags') },
  };
  if (value['kind'] === 'plugins') return { kind: 'plugins', ...result };
  const file = text(value['file']);
  return value['kind'] === 'file' && file !== undefined && isBelow(file) ? { kind: 'file', file, standIn: text(value['standIn']), ...result } : undefined;
}

function filesOf(value: Values): LoadMessage | undefined {
  if (!Array.isArray(value['files'])) return undefined;
  const files = value['files'].filter(isText).filter(isBelow).slice(0, MAX_FILES);
  return { kind: 'files', files, left: value['files'].length - files.length, late: value['late'] === true };
}

const errorOf = (value: Values): LoadError => ({ file: text(value['file']), line: number(value['line']), place: text(value['place']), text: text(value['text']) ?? 'no reason given', always: value['always'] === true, again: value['again'] === true });

function dagOf(value: Values): readonly LoadedDag[] {
  const dagId = text(value['dagId']), next = value['nextRun'];
  if (dagId === undefined) return [];
  return [{
    dagId, schedule: text(value['schedule']) ?? '', nextRun: next === null ? null : instantOf(next), interval: value['interval'] === null ? null : intervalOf(value['interval']),
    catchup: typeof value['catchup'] === 'boolean' ? value['catchup'] : undefined, isSubDag: value['isSubDag'] === true, seeds: readSeeds(value['seeds']), runs: readRuns(value['runs']),
    isPausedUponCreation: typeof value['isPausedUponCreation'] === 'boolean' ? value['isPausedUponCreation'] : undefined, tasks: number(value['tasks']) ?? 0,
    roles: Array.isArray(value['roles']) ? value['roles'].filter(isText).map((role) => role.slice(0, 100)).slice(0, 50) : [],
  }];
}

function readOf(value: Values): readonly Read[] {
  const kind = (['variable', 'connection'] as const).find((one) => one === value['kind']), name = text(value['name']);
  return kind === undefined || name === undefined ? [] : [{ kind, name, line: number(value['line']) }];
}

type Values = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Values => typeof value === 'object' && value !== null && !Array.isArray(value);
const records = (value: unknown): readonly Values[] => (Array.isArray(value) ? value.filter(isRecord).slice(0, 2000) : []);
const isText = (value: unknown): value is string => typeof value === 'string';
const text = (value: unknown): string | undefined => (isText(value) ? value.slice(0, 4000) : undefined);
const number = (value: unknown): number | undefined => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined);
const countIn = (value: unknown, name: string): number => (isRecord(value) ? Math.min(number(value[name]) ?? 0, 1_000_000) : 0);
const isBelow = (file: string): boolean => file.length <= 1000 && !file.startsWith('/') && !file.split('/').includes('..');
