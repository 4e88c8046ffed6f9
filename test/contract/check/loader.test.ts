/** load_dags.py on real Airflow 2 and 3: what it says of a file, and that no file harms another. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureAirflow } from '../../sandbox/environments/airflow-installation.js';

const SCRIPTS = path.resolve('src/check/python');
const HEAD = 'from datetime import datetime, timedelta\nfrom airflow import DAG\n';
const FILES: Readonly<Record<string, string>> = {
  'dags/cron.py': `${HEAD}with DAG("cron", schedule="30 5 * * *", start_date=datetime(2024, 1, 1), access_control={"Op": {"can_read"}, "Analysts": {"can_read", "can_edit"}}) as dag: pass\nwith DAG("never", schedule=None) as other: pass\nwith DAG("delta", schedule=timedelta(hours=7), start_date=datetime(2024, 1, 1), is_paused_upon_creation=False) as third: pass\n`,
  'dags/gone.py': `${HEAD}\nfrom airflow.operators.nowhere import Nowhere\n`,
  'dags/helper_fails.py': `${HEAD}import shop_helper\n\nshop_helper.open_shop()\n`,
  'plugins/shop_helper.py': 'def open_shop():\n    raise ValueError("closed\\nuntil Monday")\n',
  'plugins/shop_plugin.py': 'import not_there_at_all\nfrom airflow.plugins_manager import AirflowPlugin\n',
  'dags/reads.py': `${HEAD}from airflow.models import Variable\nlimit = int(Variable.get("limit"))\nsettings = Variable.get("settings", deserialize_json=True, default_var={})\nwith DAG("reads", schedule=None) as dag: pass\n`,
  'dags/a_ruins.py': `${HEAD}import glob, os\nfor name in glob.glob(os.environ["AIRFLOW_HOME"] + "/*.db"): open(name, "w").write("ruined")\nif __import__("airflow").__version__ < "3":\n    from airflow import settings\n    settings.engine.execute("drop table variable")\n`,
  'dags/b_looks.py': `${HEAD}if __import__("airflow").__version__ < "3":\n    from airflow.models import Variable\n    from airflow.settings import Session\n    from airflow.utils.session import create_session\n    assert Session().query(Variable).count() == 0\n    with create_session() as session: session.add(Variable(key="mine", val="1"))\n    assert Session().query(Variable).count() == 1\nwith DAG("looks", schedule=None) as dag: pass\n`,
  'dags/c_looks.py': `${HEAD}if __import__("airflow").__version__ < "3":\n    from airflow.models import Variable\n    from airflow.settings import Session\n    assert Session().query(Variable).count() == 0\nwith DAG("looks_too", schedule=None) as dag: pass\n`,
  'dags/beside.py': `${HEAD}from common.names import NAME\nwith DAG(NAME, schedule=None) as dag: pass\n`,
  'dags/common/names.py': 'NAME = "beside"\n',
  'dags/many.py': `${HEAD}from airflow.timetables.simple import NullTimetable\n\nclass Odd(NullTimetable):\n    pass\n\nfor number in range(23): globals()["dag%d" % number] = DAG("d%d" % number, schedule=Odd(), start_date=datetime(2024, 1, 1))\n`,
  'dags/reads_and_breaks.py': `${HEAD}from airflow.models import Variable\ncountry = Variable.get("country", default_var="de")\nwith DAG("a", **{"not_an_argument": country}) as dag: pass\n`,
  'dags/reads_first.py': `${HEAD}from airflow.models import Variable\ncountry = Variable.get("country")\nwith DAG("a", schedule=None) as dag: dag.nowhere()\n`,
  'dags/needs.py': `${HEAD}from airflow.models import Variable\nhost, port = Variable.get("place").split(":")\n`,
  'dags/exits.py': `${HEAD}import os\nos._exit(0)\n`,
  'dags/hangs.py': `${HEAD}\nwhile True:\n    try:\n        import time\n        while True: time.sleep(60)\n    except BaseException: pass\n`,
  'dags/eats.py': `${HEAD}\nbig = bytearray(64 * 1024 ** 3)\n`,
  'dags/kills.py': `${HEAD}import os, time\nwith open("/proc/%d/environ" % os.getppid(), "rb") as file: pass\nos.kill(os.getppid(), 15)\n`,
  'dags/writes.py': `${HEAD}import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'{"kind": "end"}\\n')\n    except OSError: pass\n`,
  'dags/both.py': `${HEAD}import os\nos.fork()\nwith DAG("both", schedule=None) as dag: pass\n`,
  'dags/not_serializable.py': `${HEAD}from airflow.timetables.simple import NullTimetable\n\nclass Odd(NullTimetable):\n    pass\n\nwith DAG("strange", schedule=Odd(), start_date=datetime(2024, 1, 1)) as dag: pass\n`,
  'dags/ignored/bad.py': `${HEAD}raise SystemExit("was loaded")\n`,
  'dags/.airflowignore': 'ignored/\n',
  'dags/no_dag_here.py': 'raise SystemExit("was loaded, though nothing in it names them")\n',
};

type Dag = Readonly<{ dagId: string; schedule: string; nextRun: string | null; isPausedUponCreation: boolean | null; roles: readonly string[] }>;
type Message = Readonly<{ kind: string; file?: string; files?: readonly string[]; outcome?: string; standIn?: string | null; errors: readonly Readonly<{ file: string; line: number; place: string | null; text: string; always?: boolean; again?: boolean }>[]; dags: readonly Dag[]; reads: readonly Readonly<{ kind: string; name: string; line: number }>[]; cut?: Readonly<{ errors: number; dags: number }> }>;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mwaa-migrate-loader-'));
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function load(version: string): Promise<readonly Message[]> {
  const { python } = await ensureAirflow(version, () => undefined);
  const home = path.join(folder, `home-${version}`), dags = path.join(folder, 'dags'), plugins = path.join(folder, 'plugins');
  mkdirSync(home);
  // Sealed as the phase does it, or a file could end more than its loader.
  const { stdout, stderr } = spawnSync(python, ['-I', '-S', path.join(SCRIPTS, 'seal.py'), JSON.stringify({ writable: [home], hidden: [], seconds: 240, path: '/usr/bin:/bin', uid: null, gid: null }), python, '-B', path.join(SCRIPTS, 'load_dags.py')], {
    encoding: 'utf8', maxBuffer: 1 << 26, timeout: 280_000,
    input: JSON.stringify({ dags, plugins, files: null, jobs: 2, listSeconds: 60, wallSeconds: 8, cpuSeconds: 8, memoryBytes: 3 * 1024 ** 3, fileBytes: 1 << 24, reference: '2026-03-10T00:00:00+00:00' }),
    env: {
      PATH: '/usr/bin:/bin', HOME: home, AIRFLOW_HOME: home, TMPDIR: home, PYTHONPATH: SCRIPTS, AIRFLOW__CORE__DAGS_FOLDER: dags, AIRFLOW__CORE__PLUGINS_FOLDER: plugins, AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
      AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT: '4', AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACK_DEPTH: '100', AIRFLOW__SECRETS__BACKEND: 'load_secrets.StandIns', AIRFLOW__SCHEDULER__CREATE_CRON_DATA_INTERVALS: 'True', AIRFLOW__SCHEDULER__CREATE_DELTA_DATA_INTERVALS: 'True',
    },
  });
  const lines = stdout.split('\n').filter((line) => line !== '');
  if (lines.length === 0) throw new Error(`The loader said nothing: ${stderr.slice(-3000)}`);
  return lines.map((line) => JSON.parse(line) as Message);
}

describe.each(['2.10.3', '3.3.1'])('Airflow %s', (version) => {
  let messages: readonly Message[];
  const of = (file: string): Message => {
    const all = messages.filter((one) => one.file === file);
    expect(all).toHaveLength(1);
    return all[0]!;
  };
  beforeAll(async () => {
    messages = await load(version);
  }, 400_000);

  it('lists what Airflow would look at, says one thing of each, and comes to its end in spite of all of them', () => {
    expect(messages[0]?.files).toEqual(['a_ruins.py', 'b_looks.py', 'beside.py', 'both.py', 'c_looks.py', 'cron.py', 'eats.py', 'exits.py', 'gone.py', 'hangs.py', 'helper_fails.py', 'kills.py', 'many.py', 'needs.py', 'not_serializable.py', 'reads.py', 'reads_and_breaks.py', 'reads_first.py', 'writes.py']);
    expect(messages.filter(({ kind }) => kind === 'file').map(({ file }) => file).sort()).toEqual(messages[0]?.files);
    expect(messages.at(-1)?.kind).toBe('end');
  });

  it('tells DAGs with schedule and the first run after the day it was given', () => expect(of('cron.py')).toMatchObject({ outcome: 'loaded', errors: [], dags: [
    { dagId: 'cron', schedule: '30 5 * * *', nextRun: '2026-03-10T05:30:00Z', isPausedUponCreation: null, roles: ['Analysts', 'Op'] }, { dagId: 'delta', schedule: '7:00:00', nextRun: '2026-03-10T07:00:00Z', isPausedUponCreation: false }, { dagId: 'never', nextRun: null, roles: [] }] }));

  it('tells the line of an import that is gone', () => expect(of('gone.py').errors).toMatchObject([{ file: 'gone.py', line: 4, place: null, text: "ModuleNotFoundError: No module named 'airflow.operators.nowhere'" }]));

  it('tells where else an error was raised, with all its lines', () => expect(of('helper_fails.py').errors).toMatchObject([{ line: 5, place: 'plugins/shop_helper.py:2', text: 'ValueError: closed\nuntil Monday' }]));

  it('tells a plugin that does not load, apart from the files', () => expect(messages.filter(({ kind }) => kind === 'plugins').map(({ errors }) => errors.map(({ file, text }) => [file, text]))).toEqual([[['shop_plugin.py', "No module named 'not_there_at_all'"]]]));

  it('loads with a stand-in what reads a variable, and tells which and where', () =>
    expect(of('reads.py')).toMatchObject({ outcome: 'loaded', errors: [], standIn: '1', dags: [{ dagId: 'reads' }], reads: [{ kind: 'variable', name: 'limit', line: 4 }, { kind: 'variable', name: 'settings', line: 5 }] }));

  it('tells of an error whether it came with and without a stand-in, with each, or by the stand-in', () => {
    expect(of('reads_and_breaks.py').errors).toMatchObject([{ line: 5, text: expect.stringMatching(/unexpected keyword argument 'not_an_argument'/u), always: true, again: true }]);
    expect(of('reads_first.py').errors).toMatchObject([{ line: 5, text: expect.stringMatching(/^AttributeError: 'DAG' object/u), always: false, again: true }]);
    expect(of('needs.py').errors).toMatchObject([{ line: 4, text: expect.stringMatching(/^ValueError: not enough values/u), always: false, again: true }]);
  });

  it.each([['exits.py', 'ended'], ['hangs.py', 'late'], ['writes.py', 'ended']])('tells how %s came to no result: %s', (file, outcome) => expect(of(file)).toMatchObject({ outcome, dags: [] }));
  it('ends a file that takes too much memory by its own error', () => expect(of('eats.py').errors).toMatchObject([{ line: 4, text: 'MemoryError' }]));
  it('keeps its own environment from them, and cannot be ended by them', () => expect(of('kills.py').errors).toMatchObject([{ text: expect.stringMatching(/^PermissionError/u) }]));
  it('takes the result of the process it started, whatever others the file made', () => expect(of('both.py')).toMatchObject({ outcome: 'loaded', dags: [{ dagId: 'both' }] }));
  it("gives each file a database of its own, whatever the others do to theirs", () => {
    expect(of('a_ruins.py').errors).toEqual([]);
    expect(of('b_looks.py')).toMatchObject({ errors: [], dags: [{ dagId: 'looks' }] });
    expect(of('c_looks.py')).toMatchObject({ errors: [], dags: [{ dagId: 'looks_too' }] });
  });
  it('lets a file import what lies beside it, as the DAG processor does', () => expect(of('beside.py')).toMatchObject({ errors: [], dags: [{ dagId: 'beside' }] }));
  it('counts what is beyond the errors that it lists', () => expect([of('many.py').errors.length, of('many.py').cut]).toEqual([20, { errors: 3, dags: 0 }]));
  it('tells a DAG that Airflow cannot store', () => expect(of('not_serializable.py')).toMatchObject({ dags: [], errors: [{ text: expect.stringMatching(/strange.* cannot be serialized/u) }] }));
});
