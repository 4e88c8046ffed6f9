/** load_dags.py on every release that MWAA ever had: what each makes of the same schedules. Expectations are written by hand, from Airflow's documentation and the calendar. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureAirflow } from '../../sandbox/environments/airflow-installation.js';

const SCRIPTS = path.resolve('src/check/python');
const RELEASES = ['1.10.12', '1.10.15', '2.0.2', '2.2.2', '2.4.3', '2.5.1', '2.6.3', '2.7.2', '2.8.1', '2.9.2', '2.10.1', '2.10.3', '2.11.0', '2.11.2', '3.0.6', '3.2.1', '3.3.1'];
/** Tuesday. */
const REFERENCE = '2026-03-10T00:00:00+00:00';
const HEAD = `from datetime import datetime, timedelta
import airflow
import pendulum
from airflow import DAG
try:
    from airflow.sdk import BaseOperator
except ImportError:
    from airflow.models import BaseOperator
RELEASE = tuple(int(part) for part in airflow.__version__.split(".")[:2])
SCHEDULE = "schedule" if RELEASE >= (2, 4) else "schedule_interval"
BERLIN = pendulum.timezone("Europe/Berlin")
def make(name, schedule, start=datetime(2024, 1, 1), **more):
    globals()[name] = DAG(name, start_date=start, **dict({SCHEDULE: schedule}, **more))
`;
const FILES: Readonly<Record<string, string>> = {
  'dags/plain.py': `${HEAD}
make("cron", "30 5 * * *")
make("preset", "@daily", catchup=False)
make("delta", timedelta(hours=7), catchup=True)
make("never", None)
make("once", "@once")
make("once_later", "@once", start=datetime(2030, 1, 2))
make("later", "@weekly", start=datetime(2030, 1, 2))
make("ended", "@monthly", end_date=datetime(2026, 2, 15))
make("args_later", "@weekly", start=None, default_args={"start_date": datetime(2030, 1, 2)})
make("args_ended", "@monthly", start=None, default_args={"start_date": datetime(2024, 1, 1), "end_date": datetime(2026, 2, 15)})
for each in (args_later, args_ended):
    BaseOperator(task_id="task", dag=each)
make("berlin", "30 2 * * *", start=BERLIN.convert(datetime(2024, 1, 1)))
make("berlin_weekly", "30 2 * * 0", start=BERLIN.convert(datetime(2024, 1, 1)))
make("clock", timedelta(days=1), start=datetime.now() - timedelta(minutes=1))
make("clock_later", timedelta(days=1), start=datetime.now() + timedelta(days=2))
silent = DAG("silent", start_date=datetime(2024, 1, 1))
`,
  'dags/data.py': `${HEAD}
if RELEASE >= (3, 0):
    from airflow.sdk import Asset
elif RELEASE >= (2, 4):
    from airflow.datasets import Dataset as Asset
if RELEASE >= (2, 4):
    make("data", [Asset("s3://bucket/orders")])
`,
  'dags/own.py': `${HEAD}
if RELEASE >= (2, 2):
    from evenings import Evenings
    globals()["own"] = DAG("own", start_date=datetime(2024, 1, 1), **({"schedule": Evenings()} if RELEASE >= (2, 4) else {"timetable": Evenings()}))
`,
  'dags/reads.py': `${HEAD}
from airflow.models import Variable
try:
    from airflow.hooks.base import BaseHook
except ImportError:
    from airflow.hooks.base_hook import BaseHook
hour = int(Variable.get("hour"))
host = BaseHook.get_connection("shop").host
make("reads_%d_%s" % (hour, host.replace("-", "_")), "0 0 * * *")
`,
  'dags/broken.py': `${HEAD}
import nowhere_at_all
`,
  'dags/ignored.py': `${HEAD}\nraise SystemExit("was loaded")\n`,
  'dags/.airflowignore': 'ignored.py\n',
  'plugins/evenings.py': `from airflow.plugins_manager import AirflowPlugin
try:
    from airflow.timetables.base import DagRunInfo, DataInterval, Timetable
except ImportError:
    Timetable = object


class Evenings(Timetable):
    def infer_manual_data_interval(self, *, run_after):
        end = run_after.start_of("day").subtract(hours=4)
        return DataInterval(start=end.subtract(days=1), end=end)

    def next_dagrun_info(self, *, last_automated_data_interval, restriction):
        start = last_automated_data_interval.end
        return DagRunInfo.interval(start=start, end=start.add(days=1))


class EveningsPlugin(AirflowPlugin):
    name = "evenings"
    timetables = [Evenings]
`,
};

type Run = readonly [string, string, string];
type Dag = Readonly<{ dagId: string; schedule: string; nextRun: string | null; interval: string | null; catchup: boolean; isSubDag: boolean; seeds: readonly unknown[]; runs: readonly (readonly Run[])[] }>;
type Message = Readonly<{ kind: string; file: string; files: readonly string[]; outcome: string; errors: readonly Readonly<{ text: string }>[]; dags: readonly Dag[]; reads: readonly Readonly<{ kind: string; name: string }>[] }>;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-releases-'));
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function load(version: string, more: Readonly<Record<string, string>> = {}, seeds: unknown = null): Promise<readonly Message[]> {
  const { python } = await ensureAirflow(version, () => undefined);
  const home = mkdtempSync(path.join(folder, 'home-')), dags = path.join(folder, 'dags'), plugins = path.join(folder, 'plugins');
  const { stdout, stderr } = spawnSync(python, ['-B', path.join(SCRIPTS, 'load_dags.py')], {
    cwd: home, encoding: 'utf8', maxBuffer: 1 << 26, timeout: 280_000,
    input: JSON.stringify({ dags, plugins, files: null, jobs: 2, listSeconds: 60, wallSeconds: 60, cpuSeconds: 60, memoryBytes: 3 * 1024 ** 3, fileBytes: 1 << 24, reference: REFERENCE, seeds }),
    env: {
      PATH: '/usr/bin:/bin', HOME: home, AIRFLOW_HOME: home, TMPDIR: home, PYTHONPATH: SCRIPTS, AIRFLOW__CORE__DAGS_FOLDER: dags, AIRFLOW__CORE__PLUGINS_FOLDER: plugins, AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
      AIRFLOW__SECRETS__BACKEND: 'load_secrets.StandIns', ...more,
    },
  });
  if (stdout === '') throw new Error(`The loader said nothing on ${version}: ${stderr.slice(-3000)}`);
  return stdout.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Message);
}
const ofFile = (messages: readonly Message[], file: string): Message => messages.find((one) => one.kind === 'file' && one.file === file)!;
const dagsOf = (messages: readonly Message[]): ReadonlyMap<string, Dag> => new Map(messages.filter(({ kind }) => kind === 'file').flatMap(({ dags }) => dags.map((dag) => [dag.dagId, dag] as const)));

/** What a migration sets on the way to Airflow 3; before, the releases have no such options. */
const KEPT = { AIRFLOW__SCHEDULER__CREATE_CRON_DATA_INTERVALS: 'True', AIRFLOW__SCHEDULER__CREATE_DELTA_DATA_INTERVALS: 'True' };
const is3 = (version: string): boolean => version.startsWith('3.');
const number = (version: string): number => Number(version.split('.')[0]) * 100 + Number(version.split('.')[1]);
const between = (dag: Dag | undefined) => [dag?.nextRun, dag?.interval];
const RUN = (start: string, end: string) => [end, `${start}/${end}`];

describe.each(RELEASES)('Airflow %s', (version) => {
  let messages: readonly Message[], dags: ReadonlyMap<string, Dag>;
  beforeAll(async () => {
    messages = await load(version, is3(version) ? KEPT : {});
    dags = dagsOf(messages);
  }, 400_000);

  it('lists the files, loads each, and comes to its end', () => {
    expect(messages[0]?.files).toEqual(['broken.py', 'data.py', 'own.py', 'plain.py', 'reads.py']);
    expect(messages.filter(({ kind, file, errors }) => kind === 'file' && file !== 'broken.py' && errors.length > 0)).toEqual([]);
    expect(ofFile(messages, 'broken.py').errors).toMatchObject([{ text: expect.stringContaining("No module named 'nowhere_at_all'") }]);
    expect(messages.at(-1)?.kind).toBe('end');
  });

  it('makes of cron, presets and time spans the next run after the day, with its interval', () => {
    expect(between(dags.get('cron'))).toEqual(RUN('2026-03-09T05:30:00Z', '2026-03-10T05:30:00Z'));
    expect(between(dags.get('preset'))).toEqual(RUN('2026-03-10T00:00:00Z', '2026-03-11T00:00:00Z'));
    expect(between(dags.get('delta'))).toEqual(RUN('2026-03-10T00:00:00Z', '2026-03-10T07:00:00Z'));
    expect(between(dags.get('berlin'))).toEqual(RUN('2026-03-09T01:30:00Z', '2026-03-10T01:30:00Z'));
  });

  it('knows what does not run, what runs once, what begins later and what has ended', () => {
    for (const name of ['never', 'once', 'ended']) expect([name, ...between(dags.get(name))]).toEqual([name, null, null]);
    expect(dags.get('once_later')?.nextRun).toBe('2030-01-02T00:00:00Z');
    // The first Sunday from the start on begins the first interval.
    expect(between(dags.get('later'))).toEqual(RUN('2030-01-06T00:00:00Z', '2030-01-13T00:00:00Z'));
  });

  it('takes the limits of default_args, which are those of the tasks, for those of the DAG', () => {
    expect(between(dags.get('args_later'))).toEqual(RUN('2030-01-06T00:00:00Z', '2030-01-13T00:00:00Z'));
    expect(between(dags.get('args_ended'))).toEqual([null, null]);
  });

  // Two loads would give two answers.
  it.each(['clock', 'clock_later'])('says nothing of the runs of a DAG that begins when its file is loaded, or a time after that: %s', (name) => expect([...between(dags.get(name)), dags.get(name)?.runs]).toEqual(['', '', []]));

  it('says its schedules in words', () => expect(['cron', 'preset', 'delta', 'never', 'once'].map((name) => dags.get(name)?.schedule)).toEqual(['30 5 * * *', '0 0 * * *', '7:00:00', 'None', '@once']));

  it('runs a DAG that says nothing once a day, and from 3.0 never', () =>
    expect(between(dags.get('silent'))).toEqual(is3(version) ? [null, null] : RUN('2026-03-10T00:00:00Z', '2026-03-11T00:00:00Z')));

  it("tells catching up as it is in effect: the DAG's own, or the release's", () => expect(['preset', 'delta', 'cron'].map((name) => dags.get(name)?.catchup)).toEqual([false, true, !is3(version)]));

  it('knows datasets from 2.4 on, and timetables of a plugin from 2.2 on', () => {
    expect(dags.get('data')?.nextRun).toBe(number(version) >= 204 ? null : undefined);
    expect(dags.get('data')?.schedule).toBe(number(version) >= 300 ? 'Asset' : number(version) >= 204 ? 'Dataset' : undefined);
    expect(between(dags.get('own'))).toEqual(number(version) >= 202 ? RUN('2026-03-09T20:00:00Z', '2026-03-10T20:00:00Z') : [undefined, undefined]);
  });

  it('gives a stand-in for what is read at parse time, and tells it', () => {
    expect(ofFile(messages, 'reads.py')).toMatchObject({ outcome: 'loaded', errors: [], reads: [{ kind: 'variable', name: 'hour' }, { kind: 'connection', name: 'shop' }] });
    expect([...dags.keys()]).toContain('reads_1_stand_in');
  });

  it('looks at both changes of the clocks in Berlin, a day around each', () => {
    const [first, spring, autumn] = dags.get('berlin')?.runs ?? [];
    expect(first).toHaveLength(1);
    // 02:30 is 01:30 UTC in winter and 00:30 UTC in summer.
    // From the run before, not from when it is looked at.
    expect(spring?.[0]?.[1]).toBe('2026-03-28T01:30:00Z');
    expect(dags.get('berlin_weekly')?.runs[1]?.[0]?.[1]).toBe('2026-03-22T01:30:00Z');
    expect(spring?.at(-1)?.[0]).toBe('2026-03-31T00:30:00Z');
    expect(autumn?.at(-1)?.[0]).toBe('2026-10-27T01:30:00Z');
  });
});

describe('a target that goes on from the past of its source', () => {
  const seedsOf = (messages: readonly Message[]): unknown => Object.fromEntries(messages.filter(({ kind }) => kind === 'file').map(({ file, dags }) => [file, Object.fromEntries(dags.map(({ dagId, seeds }) => [dagId, seeds]))]));

  it.each(['1.10.12', '2.2.2', '2.10.3'])('from %s makes the same runs on 3.3.1 with the options of the plan', async (version) => {
    const source = await load(version), target = dagsOf(await load('3.3.1', { ...KEPT, AIRFLOW__SCHEDULER__CATCHUP_BY_DEFAULT: 'True' }, seedsOf(source)));
    for (const [name, dag] of dagsOf(source)) if (name !== 'silent') expect([name, ...between(target.get(name)), target.get(name)?.catchup]).toEqual([name, ...between(dag), dag.catchup]);
  }, 400_000);

  it('runs at the same time without those options, for another logical date', async () => {
    const target = dagsOf(await load('3.3.1', {}, seedsOf(await load('2.10.3'))));
    expect(between(target.get('cron'))).toEqual(RUN('2026-03-10T05:30:00Z', '2026-03-10T05:30:00Z'));
    expect(between(target.get('delta'))).toEqual(RUN('2026-03-10T07:00:00Z', '2026-03-10T07:00:00Z'));
    expect(target.get('cron')?.catchup).toBe(false);
  }, 400_000);
});
