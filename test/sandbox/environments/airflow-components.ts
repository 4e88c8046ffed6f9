/** The long-running programs of one Airflow environment, and how to tell that they are healthy. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { airflowArguments, type Installation } from './airflow-installation.js';
import { startComponent, tailOf, type Component } from './component.js';
import { isAtLeast } from './releases.js';

export type ComponentsInput = Readonly<{
  installation: Installation;
  variables: Readonly<Record<string, string>>;
  airflowHome: string;
  webserverPort: number;
  withTriggerer: boolean;
  onEnd: (component: Component, how: string) => void;
}>;

type Program = Readonly<{ name: string; args: readonly string[] }>;

/** In the order of their starting; the caller ends those that run when a later one fails. */
export async function startComponents(input: ComponentsInput, started: (component: Component) => void): Promise<void> {
  const { installation, airflowHome } = input;
  for (const { name, args } of programsOf(input)) {
    started(await startComponent({
      name, command: installation.python, args, folder: airflowHome, logFile: path.join(airflowHome, 'components', `${name}.txt`),
      env: { ...input.variables, MWAA_AIRFLOW_COMPONENT: name },
      onEnd: input.onEnd,
    }));
  }
}

function programsOf({ installation, webserverPort, withTriggerer, variables }: ComponentsInput): readonly Program[] {
  const { version } = installation.release;
  const airflow = (...args: string[]) => airflowArguments(installation, args);
  // Its log server would listen on one fixed port for all environments; the web server reads the files themselves.
  const triggerer: readonly Program[] = withTriggerer && isAtLeast(version, '2.2') ? [{ name: 'triggerer', args: airflow('triggerer', ...(isAtLeast(version, '2.6') ? ['--skip-serve-logs'] : [])) }] : [];
  if (isAtLeast(version, '3.0')) {
    return [
      { name: 'webserver', args: airflow('api-server', '--host', '127.0.0.1', '--port', String(webserverPort), '--workers', '1') },
      { name: 'scheduler', args: airflow('scheduler', '--skip-serve-logs') },
      { name: 'dag-processor', args: airflow('dag-processor') },
      ...triggerer,
    ];
  }
  return [
    // Before 2.1 the scheduler serves no logs.
    { name: 'scheduler', args: airflow('scheduler', ...(isAtLeast(version, '2.1') ? ['--skip-serve-logs'] : [])) },
    { name: 'webserver', args: gunicorn(version, webserverPort, variables) },
    ...triggerer,
  ];
}

/**
 * What `airflow webserver` runs, without the parent that builds the application once more only to watch it.
 * Threads: a browser keeps connections open before it sends a request, and a sync worker would wait for each of them.
 */
function gunicorn(version: string, port: number, variables: Readonly<Record<string, string>>): readonly string[] {
  const application = isAtLeast(version, '2.0') ? 'airflow.www.app:cached_app()' : 'airflow.www_rbac.app:cached_app()';
  const option = (name: string) => variables[`AIRFLOW__WEBSERVER__${name}`];
  // By this module, for gunicorn 19 of the oldest releases cannot be run by its own name.
  return ['-m', 'gunicorn.app.wsgiapp', '--workers', option('WORKERS') ?? '1', '--worker-class', option('WORKER_CLASS') ?? 'gthread', '--threads', '4',
    '--timeout', option('WEB_SERVER_WORKER_TIMEOUT') ?? '120', '--bind', `127.0.0.1:${port}`, '--name', 'airflow-webserver', application];
}

/** Where the web server tells its own and the scheduler's state. */
const healthPath = (version: string): string => (isAtLeast(version, '3.0') ? '/api/v2/monitor/health' : '/health');

/**
 * Waits until the web server answers and the scheduler has sent a heartbeat.
 * @throws Error with the log's tail when a component ends, or when it takes longer than `seconds`
 */
export async function waitUntilHealthy(version: string, url: string, components: readonly Component[], secrets: readonly string[], seconds: number): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; ; await sleep(150)) {
    const dead = components.find((component) => component.ended() !== undefined);
    if (dead) throw new Error(`The ${dead.name} of Airflow ${version} ended at its start with ${dead.ended()}:\n${tailOf(dead.logFile, secrets)}`);
    const health = await readHealth(`${url}${healthPath(version)}`);
    if (health.webserver && health.scheduler) return;
    if (Date.now() < deadline) continue;
    const late = components.find((component) => component.name === (health.webserver ? 'scheduler' : 'webserver')) ?? components[0];
    throw new Error(`Airflow ${version} was not healthy after ${seconds} s (web server: ${health.webserver}, scheduler: ${health.scheduler}).\n${late ? tailOf(late.logFile, secrets) : ''}`);
  }
}

async function readHealth(url: string): Promise<Readonly<{ webserver: boolean; scheduler: boolean }>> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) return { webserver: false, scheduler: false };
    const body = (await answer.json()) as { scheduler?: { status?: string } };
    return { webserver: true, scheduler: body.scheduler?.status === 'healthy' };
  } catch {
    return { webserver: false, scheduler: false }; // not listening yet; the caller's time limit reports it
  }
}
