/** Runs a TypeScript program of the repository after making sure that its packages are there: `node scripts/run.mjs FILE [arguments…]`. */
import { spawn } from 'node:child_process';
import { ensurePackages } from './packages.mjs';

const [file, ...rest] = process.argv.slice(2);
ensurePackages();
const child = spawn(process.execPath, ['--import', 'tsx', file, ...rest], { stdio: 'inherit', env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' } });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
