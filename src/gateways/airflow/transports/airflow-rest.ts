/** Airflow's stable REST API (2.4 to 2.11) of one environment, in our words. Every path stays below 64 characters. */
import { UserError } from '../../../errors.js';
import type { Clock, Mwaa, RestAnswer, RestRequest } from '../../../ports.js';
import { withRetry } from '../../../retry.js';

/** Largest page Airflow gives by default (api.maximum_page_limit). */
const PAGE = 100;
/** The file's own DAG carries it, see dagTags of protocol.ts. */
const OWN_TAG = 'mwaa-migrate';
/** Milliseconds for one count, repeats included: InvokeRestApi itself gives up after 10 s, and a number is not worth more. */
const MAX_COUNT_MS = 12_000;
const SERVER_TRIES = { tries: 5, firstDelayMs: 500, maxDelayMs: 8_000 } as const;

export type DagRunState = 'queued' | 'running' | 'success' | 'failed';
export type DagRow = Readonly<{ id: string; isPaused: boolean; isActive: boolean; tags: readonly string[] }>;
export type ImportError = Readonly<{ file: string; text: string; at: string }>;

export interface AirflowRest {
  /** undefined: no DAG of that id. */
  dag(id: string): Promise<DagRow | undefined>;
  activeDags(): Promise<readonly DagRow[]>;
  /** DAGs whose id matches and that do not carry our tag, those without a file included. @param part every such id holds it: REST filters by it */
  foreignDags(part: string, isWanted: (id: string) => boolean): Promise<readonly DagRow[]>;
  unpause(id: string): Promise<void>;
  /** 'gone' also when there was none; 'busy' while a task of it runs. */
  deleteDag(id: string): Promise<'gone' | 'busy'>;
  runs(dagId: string): Promise<readonly Readonly<{ runId: string; state: string }>[]>;
  runState(dagId: string, runId: string): Promise<string | undefined>;
  startRun(dagId: string, runId: string, conf: unknown): Promise<'started' | 'there'>;
  importErrors(): Promise<readonly ImportError[]>;
  variable(key: string): Promise<string | undefined>;
  /** Does nothing when there is none. */
  deleteVariable(key: string): Promise<void>;
  /** undefined: this role may not look, or it takes too long. */
  total(path: string): Promise<number | undefined>;
}

class ServerFailure extends Error {
  override readonly name = 'ServerFailure';
}

export function openAirflowRest(mwaa: Pick<Mwaa, 'rest'>, environment: string, clock: Clock): AirflowRest {
  /** @throws UserError for what a person must repair; a 404 or 409 is an answer */
  const ask = async (request: RestRequest, answers: readonly number[] = []): Promise<RestAnswer> => {
    const what = `${request.method} ${request.path} of Airflow in "${environment}"`;
    try {
      return await withRetry(async () => {
        const answer = await mwaa.rest(environment, request);
        if (answer.status >= 500 || answer.status === 429) throw new ServerFailure(`HTTP ${answer.status}${detailOf(answer.body)}`);
        if (answer.status < 300 || answers.includes(answer.status)) return answer;
        throw refusal(what, answer);
      }, clock, { policy: SERVER_TRIES, isRepeatable: (error) => error instanceof ServerFailure });
    } catch (error) {
      if (!(error instanceof ServerFailure)) throw error;
      throw new UserError(`${what} fails.`, `its web server answered ${error.message} ${SERVER_TRIES.tries} times.`, 'look into the environment\'s web server log; when it answers again, run the phase again: it goes on where it stopped.', { cause: error });
    }
  };

  /** Every page of one list. */
  const all = async (path: string, member: string, query: Readonly<Record<string, string | number | boolean>> = {}): Promise<readonly Readonly<Record<string, unknown>>[]> => {
    const entries: Readonly<Record<string, unknown>>[] = [];
    for (;;) {
      const { body } = await ask({ path, method: 'GET', query: { ...query, limit: PAGE, offset: entries.length } });
      const page = listOf(field(body, member));
      entries.push(...page);
      // An environment may set a smaller maximum_page_limit: a short page is not the last one, the total says.
      if (page.length === 0 || entries.length >= Number(field(body, 'total_entries') ?? 0)) return entries;
    }
  };
  const dag = (id: string): string => `/dags/${encodeURIComponent(id)}`;

  return {
    async dag(id) {
      const { status, body } = await ask({ path: dag(id), method: 'GET' }, [404]);
      return status === 404 ? undefined : readDag(body);
    },
    async activeDags() {
      // "paused" came with 2.6; older ones ignore it, hence the filter.
      const rows = await all('/dags', 'dags', { only_active: true, paused: false, order_by: 'dag_id' });
      return rows.map(readDag).filter((row) => !row.isPaused && row.isActive && !row.tags.includes(OWN_TAG));
    },
    async foreignDags(part, isWanted) {
      const rows = await all('/dags', 'dags', { only_active: false, dag_id_pattern: part, order_by: 'dag_id' });
      return rows.map(readDag).filter((row) => isWanted(row.id) && !row.tags.includes(OWN_TAG));
    },
    async unpause(id) {
      await ask({ path: dag(id), method: 'PATCH', query: { update_mask: 'is_paused' }, body: { is_paused: false } });
    },
    async deleteDag(id) {
      const { status } = await ask({ path: dag(id), method: 'DELETE' }, [404, 409]);
      return status === 409 ? 'busy' : 'gone';
    },
    async runs(dagId) {
      const { status } = await ask({ path: `${dag(dagId)}/dagRuns`, method: 'GET', query: { limit: 1 } }, [404]);
      if (status === 404) return [];
      return (await all(`${dag(dagId)}/dagRuns`, 'dag_runs', { order_by: 'id' })).map((run) => ({ runId: text(run['dag_run_id']), state: text(run['state']) }));
    },
    async runState(dagId, runId) {
      const { status, body } = await ask({ path: `${dag(dagId)}/dagRuns/${encodeURIComponent(runId)}`, method: 'GET' }, [404]);
      return status === 404 ? undefined : text(field(body, 'state'));
    },
    async startRun(dagId, runId, conf) {
      const { status } = await ask({ path: `${dag(dagId)}/dagRuns`, method: 'POST', body: { dag_run_id: runId, conf } }, [409]);
      return status === 409 ? 'there' : 'started';
    },
    async importErrors() {
      return (await all('/importErrors', 'import_errors')).map((entry) => ({ file: text(entry['filename']), text: text(entry['stack_trace']), at: text(entry['timestamp']) }));
    },
    async variable(key) {
      const { status, body } = await ask({ path: `/variables/${encodeURIComponent(key)}`, method: 'GET' }, [404]);
      const value = field(body, 'value');
      return status === 404 || typeof value !== 'string' ? undefined : value;
    },
    async deleteVariable(key) {
      await ask({ path: `/variables/${encodeURIComponent(key)}`, method: 'DELETE' }, [404]);
    },
    async total(path) {
      const signal = AbortSignal.timeout(MAX_COUNT_MS);
      try {
        const { status, body } = await ask({ path, method: 'GET', query: { limit: 1 }, signal }, [403, 404]);
        const value = field(body, 'total_entries');
        return status < 300 && typeof value === 'number' ? value : undefined;
      } catch (error) {
        if (signal.aborted) return undefined;
        throw error;
      }
    },
  };
}

function refusal(what: string, { status, body }: RestAnswer): UserError {
  const said = `it answered ${status}${detailOf(body)}`;
  if (status === 401 || status === 403)
    return new UserError(`Airflow refuses ${what}.`, `${said}: the Airflow role of these credentials is too small.`, 'name the Airflow role in the policy of the source-role or target-role (Op) and of the plan-role (Viewer) as docs/iam/roles.yaml does: a wildcard resource counts as a lesser role.');
  return new UserError(`Airflow refuses ${what}.`, `${said}.`, 'repair what the answer names, then run the phase again.');
}

/** Airflow's problem detail, one line of it; it names DAGs and runs, never a value. */
function detailOf(body: unknown): string {
  const detail = field(body, 'detail') ?? field(body, 'title');
  return typeof detail === 'string' && detail !== '' ? ` (${detail.replace(/\s+/gu, ' ').slice(0, 300)})` : '';
}

const field = (body: unknown, name: string): unknown => (typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>)[name] : undefined);
const listOf = (value: unknown): readonly Readonly<Record<string, unknown>>[] => (Array.isArray(value) ? value.filter((entry): entry is Readonly<Record<string, unknown>> => typeof entry === 'object' && entry !== null) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const readDag = (row: unknown): DagRow => ({
  id: text(field(row, 'dag_id')),
  isPaused: field(row, 'is_paused') === true,
  isActive: field(row, 'is_active') === true,
  tags: listOf(field(row, 'tags')).map((tag) => text(tag['name'])),
});
