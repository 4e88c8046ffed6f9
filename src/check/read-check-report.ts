/** The report of phase check, taken from another job: a DAG may have written every byte of it, so nothing in it is trusted. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { UserError } from '../errors.js';
import { CHECK_SCHEMA, MAX_REPORT_BYTES, type CheckReport } from './check-report.js';
import schema from './check-report.schema.json' with { type: 'json' };

/** Mistakes shown; a forged file can have a million. */
const SHOWN = 5;

/**
 * @param file path of the file, as input check-report gives it
 * @throws UserError when it is missing, a link, too large, newer, or anything else than such a report
 */
export async function readCheckReport(file: string): Promise<CheckReport> {
  return parseCheckReport(await contentOf(file), file);
}

/** @param location for messages */
export function parseCheckReport(text: string, location: string): CheckReport {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse(`${location} is no JSON.`);
  }
  const version = typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined;
  if (typeof version === 'number' && version > CHECK_SCHEMA)
    throw new UserError(`${location} has check schema ${version}; this release reads up to ${CHECK_SCHEMA}.`, 'a newer release wrote it, and guessing could hide what it found.', 'use the same release of mwaa-migrate in both jobs.');
  const validate = new Ajv({ allErrors: false, allowUnionTypes: true }).compile(schema);
  // Ajv's texts name places and limits, never values.
  if (!validate(value)) throw refuse(`${location} is no report of phase check: ${(validate.errors ?? []).slice(0, SHOWN).map(({ instancePath, message }) => `${shown(instancePath)} ${message ?? 'is wrong'}`).join('; ')}.`);
  return value as CheckReport;
}

/** A place in the file consists of keys, and those are a stranger's too. */
const shown = (place: string): string => (place === '' ? 'it' : place.replace(/[^\w/.-]/gu, '?').slice(0, 100));

async function contentOf(file: string): Promise<string> {
  // O_NOFOLLOW: between looking and opening nothing can be exchanged. O_NONBLOCK: a pipe put there would never answer.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) => {
    const reason = (error as { code?: unknown }).code;
    throw reason === 'ENOENT' ? refuse(`Input check-report: there is no file "${file}".`) : refuse(`Input check-report: "${file}" cannot be read${reason === 'ELOOP' ? ': it is a symbolic link' : ''}.`);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw refuse(`Input check-report: "${file}" is not a file.`);
    if (stats.size > MAX_REPORT_BYTES) throw refuse(`Input check-report: "${file}" has ${stats.size} bytes; a report of phase check has at most ${MAX_REPORT_BYTES}.`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

const refuse = (what: string): UserError =>
  new UserError(what, 'it comes from a job that ran DAG code, so nothing but a report in the documented form is read.', 'give the path of the file that output check-report of phase check named, as it came; docs/reference/check.schema.json describes it.');
