/** What loading showed → findings and the list of DAGs. Pure. */
import type { CheckFinding, CheckedDag } from './check-report.js';
import { counted } from '../report/document.js';
import { GRACE_SECONDS, LIST_SECONDS, type LoadLimits, type Loaded } from './load-dags.js';
import type { LoadError, LoadedFile, LoadedPlugins } from './load-messages.js';

export type Interpreted = Readonly<{
  findings: readonly CheckFinding[];
  dags: readonly CheckedDag[];
  /** Of DAGs that loaded, listed or not. */
  count: number;
  notChecked: readonly string[];
  /** Files whose list of DAGs is not whole, for whatever reason: of a DAG that is missing there, nothing can be said. */
  incomplete: ReadonlySet<string>;
}>;
type Settings = Readonly<{ /** Our folder of this one run: no report names it, or two runs would differ. */ home: string; /** DAG folder, and plugins folder or zip, from the root of the repository. */ dags: string; plugins: string | undefined; version: string; limits: LoadLimits }>;

export function interpret({ files, left, isLate, loaded, plugins }: Loaded, settings: Settings): Interpreted {
  const unloaded = files.filter((file) => !loaded.some((one) => one.file === file));
  const dags = loaded.flatMap((file) => file.dags.map((dag): CheckedDag => ({
    dagId: dag.dagId, file: `${settings.dags}/${file.file}`, schedule: { source: undefined, target: dag.schedule }, nextRun: { source: undefined, target: dag.nextRun },
    interval: { source: undefined, target: dag.interval }, catchup: { source: undefined, target: dag.catchup }, isPausedUponCreation: dag.isPausedUponCreation,
  })));
  return {
    findings: [...loaded.flatMap((file) => fileFindings(file, settings)), ...(plugins === undefined ? [] : pluginFindings(plugins, settings)), ...duplicates(dags), ...unpaused(dags, settings), ...loaded.flatMap((file) => roles(file, settings)), ...(isLate ? [notListed(settings.dags)] : files.length === 0 ? [noFiles(settings.dags)] : [])],
    dags,
    count: dags.length + loaded.reduce((sum, { cut }) => sum + cut.dags, 0),
    incomplete: new Set([...unloaded, ...loaded.filter(({ outcome, errors, cut }) => outcome !== 'loaded' || errors.length > 0 || cut.dags > 0).map(({ file }) => file)].map((file) => `${settings.dags}/${file}`)),
    notChecked: [
      ...(isLate ? [`Nothing was loaded: Airflow did not list the DAG files of ${settings.dags} within ${LIST_SECONDS} s.`] : []),
      ...zipNote(files, settings.dags),
      ...(left === 0 ? [] : [`${counted(left, 'DAG file')} of ${settings.dags} beyond the first ${files.length} ${left === 1 ? 'was' : 'were'} not loaded.`]),
      ...loaded.flatMap((file) => cutNote(`${settings.dags}/${file.file}`, file)),
      ...(unloaded.length === 0 ? [] : [`${counted(unloaded.length, 'DAG file')} ${unloaded.length === 1 ? 'was' : 'were'} not loaded, because others ended the program that loads them again and again: ${unloaded.slice(0, 20).join(', ')}${unloaded.length > 20 ? ', …' : ''}.`]),
    ],
  };
}

function fileFindings(file: LoadedFile, settings: Settings): readonly CheckFinding[] {
  const { limits } = settings;
  const at = `${settings.dags}/${file.file}`;
  const make = (code: string, level: CheckFinding['level'], line: number | undefined, what: string, why: string | undefined, fix: string): CheckFinding => ({ code, level, file: at, line, dagId: undefined, what, why, fix, replacement: undefined });
  const reads = file.reads.map((read) => make(
    `${read.kind}-at-parse`, 'notice', read.line, `${file.file} reads ${read.kind} "${read.name}" while it is parsed.`,
    'it is asked for at every parse, and the file loads only where it exists; here it does not, and loading went on without it or with a stand-in.',
    `have it in the target before the DAGs arrive, or read it inside a task or a template ({{ ${read.kind === 'variable' ? 'var.value.…' : 'conn.…'} }}).`));
  const said = file.tail.trim() === '' ? undefined : `its last output: ${oneLine(file.tail, settings.home).slice(-300)}`;
  switch (file.outcome) {
    case 'late':
      return [...reads, make('dag-timeout', 'error', undefined, `${file.file} was still loading after ${limits.wallSeconds} s.`, 'Airflow ends the import of a DAG file after core.dagbag_import_timeout (30 s unless set), and none of its DAGs appears.', 'take slow work (network, databases, large files) out of the top level of the file.')];
    case 'killed':
      return [...reads, make('dag-killed', 'error', undefined, file.endedLoader === true ? `${file.file} ended the program that loads DAG files.` : `${file.file} ended with signal ${file.status ?? 0} while it was loaded.`, said ?? (file.status === 24 ? `it used more than ${limits.cpuSeconds} s of processor time.` : undefined), 'find out what the file does at its top level; on MWAA it would end the DAG processor in the same way.')];
    case 'ended':
      return [...reads, make('dag-ends-process', 'error', undefined, `${file.file} ended its process (exit status ${file.status ?? 0}) while it was loaded.`, said, 'remove exit() and os._exit() from the top level: Airflow\'s DAG processor ends with it, and none of the file\'s DAGs appears.')];
    case 'loaded':
      return [...reads, ...file.errors.map((error) => errorFinding(error, file, make, settings))];
  }
}

const cutNote = (name: string, { cut, dags }: LoadedFile): readonly string[] => [
  ...(cut.dags === 0 ? [] : [`${name} makes ${counted(dags.length + cut.dags, 'DAG')}; ${cut.dags} of them are not in this report, and only loading was tried of them.`]),
  ...(cut.errors === 0 ? [] : [`${name} has ${counted(cut.errors, 'error')} more than are listed.`]),
];

const notListed = (dags: string): CheckFinding => ({
  code: 'check-incomplete', level: 'error', file: undefined, line: undefined, dagId: undefined, what: `Airflow did not list the DAG files of ${dags} within ${LIST_SECONDS} s, so none was loaded.`,
  why: 'it tries every line of .airflowignore with the path of every file, and some expressions take longer than anybody waits; on the target no DAG would appear.', fix: 'where a finding ignore-line-slow names a line, rewrite that; otherwise take what is no DAG out of the folder.', replacement: undefined,
});

/** Green would say that all is well where there was nothing to look at. */
const noFiles = (dags: string): CheckFinding => ({
  code: 'no-dag-files', level: 'error', file: undefined, line: undefined, dagId: undefined, what: `Airflow finds no DAG file in ${dags}.`,
  why: 'a file counts that ends in .py or .zip, holds the words "airflow" and "dag" (core.dag_discovery_safe_mode), and is not named in .airflowignore.', fix: 'name the folder of the DAGs in the migration file: resources.dags.', replacement: undefined,
});

type Make = (code: string, level: CheckFinding['level'], line: number | undefined, what: string, why: string | undefined, fix: string) => CheckFinding;

function errorFinding(error: LoadError, file: LoadedFile, make: Make, { version, limits, home }: Settings): CheckFinding {
  const text = oneLine(error.text, home);
  const inside = error.file !== undefined && error.file !== file.file ? ` (${error.file})` : '';
  const why = error.place === undefined ? undefined : `raised in ${error.place}.`;
  const what = `${file.file}${inside} does not load on Airflow ${version}: ${text}`;
  if (/AirflowTaskTimeout/u.test(error.text)) return make('dag-timeout', 'error', error.line, `${file.file} takes longer to load than Airflow allows (core.dagbag_import_timeout: ${limits.wallSeconds - GRACE_SECONDS} s).`, why, 'take slow work (network, databases, large files) out of the top level of the file.');
  if (/^(?:\w+\.)*MemoryError/u.test(error.text)) return make('dag-memory', 'error', error.line, `${file.file} needs more than ${Math.round(limits.memoryBytes / 1024 ** 3)} GiB of memory to load.`, why, 'take large data out of the top level of the file.');
  if (/FileNotFoundError.*\/usr\/local\/airflow\//su.test(error.text)) return make('dag-needs-image-path', 'warning', error.line, what, 'the path is that of MWAA\'s image; here the files lie elsewhere, so whether it loads on the target is not known.', 'name files relative to the DAG file: os.path.dirname(__file__).');
  if (file.standIn !== undefined && !isOfTheCode(error) && /^(?:\w+\.)*(?:ValueError|KeyError|TypeError|IndexError|AttributeError|JSONDecodeError|\w*(?:Variable|Connection)\w*)\b/u.test(error.text))
    return make('dag-needs-values', 'warning', error.line, `${file.file} could not be loaded without the values of its variables and connections: ${text}`, `it reads ${file.reads.slice(0, 10).map(({ kind, name }) => `${kind} "${name}"`).join(', ')} while it is parsed, and no stand-in suited it. With the real values it may load.`, 'read them inside a task or a template, or give them a default that suits.');
  if (/cannot be serialized/u.test(error.text)) return make('dag-not-serializable', 'error', error.line, `${file.file}: ${text}`, 'Airflow stores every DAG as JSON; one that cannot be stored does not appear.', 'look at the arguments of its tasks and its timetable.');
  return make(/^(?:\w+\.)*(?:ModuleNotFoundError|ImportError)/u.test(error.text) ? 'import-error' : 'dag-error', 'error', error.line, what, why, 'load it on the target\'s Airflow and repair it; where a rule knows the new name, it stands beside it.');
}

/** Raised whatever the values of variables and connections are: a stand-in has nothing to do with it. */
const isOfTheCode = ({ always, again, text }: LoadError): boolean => always || (again && OF_AN_INTERFACE.test(text));
/** What Python and Airflow say of arguments, and of names that other things than plain values lack. */
const OF_AN_INTERFACE = /unexpected keyword argument|positional arguments? |Invalid arguments were passed|^(?:\w+\.)*AttributeError: (?!'(?:str|int|float|bool|dict|list|tuple|NoneType|Connection)' object)/u;

function pluginFindings({ outcome, errors, status }: LoadedPlugins, { plugins, version, home }: Settings): readonly CheckFinding[] {
  if (plugins === undefined) return [];
  const base = { level: 'error', line: undefined, dagId: undefined, replacement: undefined } as const;
  if (outcome !== 'loaded') return [{ ...base, code: 'plugin-error', file: plugins, what: `Loading the plugins did not end by itself (${outcome}${status === undefined ? '' : ` ${status}`}).`, why: undefined, fix: 'take what ends or blocks the process out of the top level of the plugins.' }];
  return errors.map((error) => ({
    ...base, code: 'plugin-error', file: plugins.endsWith('.zip') || error.file === undefined ? plugins : `${plugins}/${error.file}`,
    what: `Plugin ${error.file ?? ''} does not load on Airflow ${version}: ${oneLine(error.text, home)}`, why: 'Airflow goes on without it, and so do the DAGs that need it, or they do not load.', fix: 'repair the import; since Airflow 2.0 operators, sensors and hooks are imported as plain modules.',
  }));
}

function duplicates(dags: readonly CheckedDag[]): readonly CheckFinding[] {
  const byId = new Map<string, CheckedDag[]>();
  for (const dag of dags) byId.set(dag.dagId, [...(byId.get(dag.dagId) ?? []), dag]);
  return [...byId].flatMap(([dagId, all]) => (all.length < 2 ? [] : all.map((dag): CheckFinding => ({
    code: 'dag-duplicate', level: 'error', file: dag.file, line: undefined, dagId, what: `DAG "${dagId}" is in ${all.length} files: ${all.map(({ file }) => file).join(', ')}.`,
    why: 'Airflow shows the one it parsed last, so which of them runs changes, and its history belongs to either.', fix: 'give each DAG an id of its own, or name the file that is not meant in .airflowignore.', replacement: undefined,
  }))));
}

const unpaused = (dags: readonly CheckedDag[], { version }: Settings): readonly CheckFinding[] => dags.filter(({ isPausedUponCreation }) => isPausedUponCreation === false).map((dag) => ({
  code: 'dag-starts-unpaused', level: 'warning', file: dag.file, line: undefined, dagId: dag.dagId, what: `DAG "${dag.dagId}" has is_paused_upon_creation=False.`,
  why: `it would begin to run on Airflow ${version} as soon as its file arrives there, before its history does and while the source still runs it.`, fix: 'remove the argument, at least until the migration is over.', replacement: undefined,
}));

/** Airflow makes these itself: https://airflow.apache.org/docs/apache-airflow-providers-fab/stable/auth-manager/access-control.html */
const OWN_ROLES: ReadonlySet<string> = new Set(['Admin', 'Op', 'User', 'Viewer', 'Public']);

const roles = ({ file, dags }: LoadedFile, settings: Settings): readonly CheckFinding[] => dags.flatMap(({ dagId, roles: given }) => {
  const lacking = given.filter((role) => !OWN_ROLES.has(role));
  return lacking.length === 0 ? [] : [{
    code: 'dag-role', level: 'warning', file: `${settings.dags}/${file}`, line: undefined, dagId, what: `DAG "${dagId}" gives rights to ${lacking.length === 1 ? 'role' : 'roles'} ${lacking.map((role) => `"${role}"`).join(', ')} (access_control).`,
    why: 'roles do not move with the history; while the target lacks one, Airflow shows an import error for the file and does not schedule its DAGs.', fix: 'make the roles on the target, with the same names, before the DAGs arrive (airflow roles create, or Security in the web server).', replacement: undefined,
  }];
});

/** Rules read files; what loading shows is told of zip files as of others. */
function zipNote(files: readonly string[], dags: string): readonly string[] {
  const zips = files.filter((file) => file.toLowerCase().endsWith('.zip'));
  return zips.length === 0 ? [] : [`What only the text of a file tells (removed template and context names, access to the database, schedules that mean something else) was not looked for in ${zips.length === 1 ? 'this zip file' : 'these zip files'}; ${zips.length === 1 ? 'it was' : 'they were'} loaded like the others: ${zips.slice(0, 20).map((file) => `${dags}/${file}`).join(', ')}${zips.length > 20 ? `, … (${zips.length})` : ''}.`];
}

const oneLine = (text: string, home: string): string => text.replaceAll(`${home}/`, '').replace(/\p{Cc}+/gu, ' ').replace(/\s+/gu, ' ').trim();
