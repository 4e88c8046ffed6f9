/** `npm run sandbox -- --spec FILE [--write-env FILE]`: a sandbox that stays until Ctrl-C. README.md tells how to use it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { envFileText, environmentLines } from './env-file.js';
import { readSpec, SpecError } from './spec/read-spec.js';
import { type Sandbox, type SandboxEnvironment, startSandbox } from './world.js';

const USAGE = 'Usage: npm run sandbox -- --spec FILE [--write-env FILE]\n  --spec      YAML file that describes accounts and environments (examples in test/sandbox/examples)\n  --write-env  where the variables for a shell go; default: sandbox.env';

/** Mistakes of the person at the keyboard: no stack trace. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

function readArguments(): Readonly<{ spec: string; envFile: string }> {
  try {
    const { values } = parseArgs({ options: { spec: { type: 'string' }, 'write-env': { type: 'string', default: 'sandbox.env' } } });
    if (!values.spec) throw new Error('--spec is missing');
    return { spec: values.spec, envFile: path.resolve(values['write-env']) };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

async function main(): Promise<void> {
  const { spec: file, envFile } = readArguments();
  const spec = readSpec(file);
  const ended = signalled();
  console.log(`Starting ${spec.environments.length} environment${spec.environments.length === 1 ? '' : 's'}; an Airflow version that is not in the cache takes about a minute more …`);
  const starting = startSandbox(spec, { log: (line) => console.log(`  ${line}`), onAvailable: (environment) => void starting.then((sandbox) => announce(sandbox, environment, envFile)) });
  const first = await Promise.race([starting, ended]);
  if (typeof first === 'string') {
    // What is half started still has to end: nothing else knows its processes.
    console.log(`\n${first}: ending what has started …`);
    await starting.then((sandbox) => sandbox.close(), () => undefined);
    return;
  }
  try {
    writeFileSync(envFile, envFileText(first), { mode: 0o600 });
    console.log(summary(first, envFile));
    console.log(`\n${await ended}: ending every process of the sandbox …`);
  } finally {
    await first.close();
  }
}

/** What phase create or the aws CLI has made gets its login here, as those of the spec did at the start. */
function announce(sandbox: Sandbox, environment: SandboxEnvironment, envFile: string): void {
  console.log(['', ...environmentLines(environment)].join('\n'));
  try {
    writeFileSync(envFile, envFileText(sandbox), { mode: 0o600 });
    console.log(`  ${envFile} holds it too.`);
  } catch (error) {
    console.error(`  ${envFile} was not written again: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The first SIGINT or SIGTERM. A second one does not cut the ending short: Airflow would live on without a parent. */
function signalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(signal));
  });
}

function summary(sandbox: Sandbox, envFile: string): string {
  const environments = [...sandbox.environments.values()].flatMap(environmentLines);
  const outputs = sandbox.stacks.flatMap((stack) => Object.entries(stack.outputs).map(([name, value]) => `  ${name} = ${value}`));
  return [
    '', 'The sandbox stands.', ...environments, ...(outputs.length > 0 ? ['Outputs of the IAM templates:', ...outputs] : []),
    `AWS front  ${sandbox.endpoint}  (faults: POST ${sandbox.endpoint}/_sandbox/faults, calls: GET ${sandbox.endpoint}/_sandbox/calls)`,
    '', 'In another terminal:', `  set -a; . ${envFile}; set +a`, `  MWAA_INPUTS='{"phase":"plan","config":"…"}' node dist/index.js`, '', 'Ctrl-C ends it.',
  ].join('\n');
}

// The SDK's notice about Node 20 would stand in the middle of the sandbox's own lines.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
try {
  await main();
} catch (error) {
  console.error(error instanceof SpecError || error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}
