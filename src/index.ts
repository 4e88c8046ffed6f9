/** Process entry: the only module that acts when it is imported. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import * as core from '@actions/core';
import { describeFailure } from './errors.js';
import { main } from './main.js';
import { speakPlainly } from './plain-output.js';

// The bundler replaces import.meta.url by the place it was built at; the started file is the one that lies beside dags/.
const home = path.dirname(realpathSync(process.argv[1] ?? '.'));

// Which SDK release a later Node needs is the maintainers' concern, and no line of a user's log.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

// Every runner that understands workflow commands says so.
if (process.env['GITHUB_ACTIONS'] !== 'true') speakPlainly(process.stdout as Parameters<typeof speakPlainly>[0]);

// Awaited, so that a lost promise ends with Node's code 13 (unsettled top-level await), not green.
try {
  await main({ inputs: process.env['MWAA_INPUTS'], env: process.env, home });
} catch (error) {
  core.setFailed(describeFailure(error)); // also sets exit code 1
}
