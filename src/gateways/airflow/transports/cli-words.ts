/**
 * The few commands of Airflow's CLI that we use below 2.4.3, and what their answers mean: text, for there is no exit status. Pure.
 * Only commands that read no other DAG file than ours: the web server of an environment with hundreds of them takes longer for `list-runs`
 * than anybody waits (apache/airflow issue 32020), and it lacks the packages that some of them import.
 * Real answers of 1.10.12, 2.0.2 and 2.2.2 lie beside the tests.
 */
import { stripVTControlCharacters } from 'node:util';
import { OWN_DAG_FOLDER } from '../../../airflow/own-dags.js';
import { SOURCE_COMMANDS } from '../../../airflow/protocol.js';
import { isAtLeast } from '../../../airflow/versions.js';
import { InternalError } from '../../../errors.js';
import type { CliAnswer } from '../../../ports.js';
import { runOf } from './commands.js';

/** 'unclear': none of what this command is known to say. */
export type Meaning<Known extends string> = Known | 'unclear';

/** Words of each command for one version. @param file of our DAG, which `state` alone shall read */
export function wordsFor(version: string) {
  const [unpause, trigger, state, remove, folder] = isAtLeast(version, '2.0')
    ? [['dags', 'unpause'], ['dags', 'trigger', '-r'], ['dags', 'state'], ['dags', 'delete'], '-S'] as const
    : [['unpause'], ['trigger_dag', '-r'], ['dag_state'], ['delete_dag'], '-sd'] as const;
  return {
    unpause: (dagId: string) => [...unpause, dagId],
    /** Without a conf: the run's id says all, and nothing needs quotes. */
    trigger: (dagId: string, runId: string) => [...trigger, runId, '-e', logicalDateOf(runId), dagId],
    /** The word DAGS_FOLDER is replaced by Airflow, so that only this one file is read. */
    state: (dagId: string, runId: string) => [...state, folder, `DAGS_FOLDER/${OWN_DAG_FOLDER}/${dagId}.py`, dagId, logicalDateOf(runId)],
    remove: (dagId: string) => [...remove, '-y', dagId],
  };
}

const FIRST_DATE = Date.UTC(2020, 0, 2), SECOND = 1_000;
/** Tries and commands that one attempt has room for. */
const MAX_TRIES = 1_000, MAX_COMMANDS = 10;

/**
 * A logical date of its own for each run, always the same one: by it `state` finds a run that another runner started. In whole seconds, for
 * Airflow drops what is smaller; not before the DAG's start date (2020), for the scheduler of 1.10 makes no task for such a run.
 */
export function logicalDateOf(runId: string): string {
  const run = runOf(runId);
  const command = run ? SOURCE_COMMANDS.findIndex((known) => known === run.command) : -1;
  if (!run || command < 0 || run.number >= MAX_TRIES) throw new InternalError(`"${runId}" is no DAG run that the CLI can start.`);
  const seconds = (run.attempt * MAX_COMMANDS + command) * MAX_TRIES + run.number;
  return new Date(FIRST_DATE + seconds * SECOND).toISOString().replace('.000Z', '+00:00');
}

export function readUnpause({ stdout, stderr }: CliAnswer, dagId: string): Meaning<'active' | 'no such DAG'> {
  if (linesOf(stdout).includes(`Dag: ${dagId}, paused: False`)) return 'active';
  if (stderr.includes(`DAG: ${dagId} does not exist in 'dag' table`)) return 'no such DAG';
  // 1.10: where there is no row it trips over None; the other where the web server's folder has no file yet.
  return stderr.includes("'NoneType' object has no attribute 'set_is_paused'") || isNotFound(stderr, dagId) ? 'no such DAG' : 'unclear';
}

export function readTrigger({ stdout, stderr }: CliAnswer, dagId: string, runId: string): Meaning<'started' | 'there' | 'no such DAG'> {
  if (linesOf(stdout).some((line) => line.startsWith(`Created <DagRun ${dagId} @ `) && line.includes(`: ${runId}, `))) return 'started';
  // The second: two runners at the same moment, of which the database took one.
  if (/DagRunAlreadyExists/u.test(stderr) || /duplicate key value violates unique constraint "dag_run/u.test(stderr)) return 'there';
  return isNotFound(stderr, dagId) ? 'no such DAG' : 'unclear';
}

/** 'none': no run has this date. 'no such DAG': the file is not in the web server's folder, or cannot be read there. */
export function readState({ stdout, stderr }: CliAnswer): Meaning<'none' | 'queued' | 'running' | 'success' | 'failed' | 'no such DAG'> {
  // 2.x writes the conf behind it, where there is one.
  const state = /^(None|queued|running|success|failed)(?:, \{.*)?$/u.exec(linesOf(stdout).at(-1) ?? '')?.[1];
  if (state !== undefined) return state === 'None' ? 'none' : (state as 'queued' | 'running' | 'success' | 'failed');
  return /could not be found/u.test(stderr) ? 'no such DAG' : 'unclear';
}

export function readRemove({ stdout, stderr }: CliAnswer, dagId: string): Meaning<'deleted' | 'gone' | 'busy'> {
  if (linesOf(stdout).some((line) => /^Removed \d+ record\(s\)$/u.test(line))) return 'deleted';
  if (isNotFound(stderr, dagId)) return 'gone';
  return /TaskInstances still running/u.test(stderr) ? 'busy' : 'unclear';
}

/**
 * The last line of a failure, for a person. Addresses go: that of the metadata database holds its password.
 * @returns at most 300 characters
 */
export function failureIn({ stdout, stderr }: CliAnswer): string {
  const last = linesOf(stderr).at(-1) ?? linesOf(stdout).at(-1) ?? 'nothing at all';
  return last.replace(/[a-z][a-z0-9+.-]*:\/\/\S+/giu, '(address)').replace(/\p{Cc}+/gu, ' ').slice(0, 300);
}

const isNotFound = (stderr: string, dagId: string): boolean => stderr.includes(`DagNotFound: Dag id ${dagId} not found`);

/** Log lines are coloured. */
const linesOf = (text: string): readonly string[] => stripVTControlCharacters(text).split('\n').map((line) => line.trim()).filter((line) => line !== '');
