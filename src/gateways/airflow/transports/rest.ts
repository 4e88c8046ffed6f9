/** Commands by InvokeRestApi (design §4), and what its REST API tells of an environment. */
import { isOwnDagId } from '../../../airflow/own-dags.js';
import type { Command } from '../../../airflow/protocol.js';
import { InternalError } from '../../../errors.js';
import type { AirflowEnvironment } from '../../../ports.js';
import { openAirflowRest } from './airflow-rest.js';
import { runByDagRuns, type DagRuns } from './by-dag-runs.js';
import { isDagThere, removeDagFile, waitUntilParsed, type RestPlace } from './dag-placement.js';
import type { Transport } from './transport.js';

export function openRestTransport<C extends Command>(transport: Transport): AirflowEnvironment<C> {
  const { side, description, clock, log } = transport;
  const name = description.Name;
  const dagId = side === 'source' ? 'db_export' : 'db_import';
  const rest = openAirflowRest(transport.mwaa, name, clock);
  const place: RestPlace = { dagId, environment: name, bucket: transport.dagBucket, dagFolder: description.DagS3Path, rest, clock, log };
  const dagRuns: DagRuns = {
    // REST is limited to 10 calls a second for everybody.
    looksPerQuestion: 2,
    list: () => rest.runs(dagId),
    async prepare(rendered, placedAt, deadline) {
      await waitUntilParsed(place, rendered, placedAt, deadline);
      await rest.unpause(dagId);
    },
    start: async (runId, attempt) => void (await rest.startRun(dagId, runId, { attempt })),
    state: (runId) => rest.runState(dagId, runId),
  };

  return {
    side,
    name,
    run: runByDagRuns(transport, place, dagRuns),
    hasDag: () => isDagThere(place),
    removeDag: () => removeDagFile(place),
    async count(list) {
      const path = { dags: '/dags', dagRuns: '/dags/~/dagRuns', taskInstances: '/dags/~/dagRuns/~/taskInstances', pools: '/pools', importErrors: '/importErrors' }[list];
      if (path === undefined) throw new InternalError(`There is no list "${String(list)}".`);
      return await rest.total(path);
    },
    readVariable: (key) => rest.variable(key),
    removeVariable: (key) => rest.deleteVariable(key),
    listActiveDagIds: async () => (await rest.activeDags()).map(({ id }) => id),
    listNamesakes: async () => (await rest.foreignDags('db_', isOwnDagId)).map(({ id }) => id),
  };
}
