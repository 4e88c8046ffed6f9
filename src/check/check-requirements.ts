/** requirements.txt as MWAA would treat it on the target: which constraints count, what is there, what can be installed. */
import path from 'node:path';
import { constraintsUrl } from '../airflow/constraints.js';
import type { CheckFinding } from './check-report.js';
import { finding, installRequirements, type Installation } from './install.js';
import { readRequirementLines, type ImagePlaces } from './requirement-lines.js';
import { shownLine } from './shown-line.js';
import { readText, type WorkflowFiles } from './workflow-files.js';

export type CheckedRequirements = Readonly<{ count: number; /** Airflow version that the file's own constraint line names. */ constraintVersion: string | undefined; findings: readonly CheckFinding[]; notChecked: readonly string[] }>;

/** @param places where DAGs and plugins were copied to */
export async function checkRequirementsFile(installation: Installation, root: string, files: WorkflowFiles, places: ImagePlaces): Promise<CheckedRequirements> {
  const { version } = installation;
  if (files.requirements === undefined) return { count: 0, constraintVersion: undefined, findings: [], notChecked: [] };
  const lines = await readRequirementLines(files.requirements, (name) => readText(root, name), places, files.dags, files.isPluginsZip ? undefined : files.plugins);
  const findings: CheckFinding[] = [], notChecked: string[] = [];
  const right = constraintsUrl(version);
  const airflows = lines.constraints.filter(({ isAirflows }) => isAirflows), own = lines.constraints.filter(({ isAirflows }) => !isAirflows);
  const constraintVersion = airflows.map(({ address }) => /constraints-(\d+\.\d+\.\d+)\b/u.exec(address)?.[1]).find((one) => one !== undefined);
  for (const { at, address } of airflows)
    if (address !== right) findings.push({ ...finding(at, 'requirements-constraint', 'notice', `the constraint line is that of another Airflow: ${shownLine(address)}`, `on Airflow ${version} it would pin the wrong versions. Phase resources writes the right one into the target's file; the check went on with that.`, ''), fix: undefined, replacement: right === undefined ? undefined : `--constraint "${right}"` });
  for (const { at, address } of lines.missing)
    findings.push(finding(at, 'requirements-include', 'warning', `names "${shownLine(address)}", which is not in the repository`, 'the image reads it from its own folders; what stands in it was not checked.', 'put it into the DAG folder, and name it /usr/local/airflow/dags/….'));
  if (own.length > 0) notChecked.push(`requirements.txt brings constraints of its own (${own.map(({ address }) => shownLine(address)).join(', ')}), which count in place of Airflow's: versions that MWAA does not test may be installed.`);
  if (lines.hasHashes) notChecked.push('requirements.txt has hashes: those given were compared, but pip would also refuse every package without one.');
  const installed = await installRequirements(installation, lines, airflows.length > 0 ? [] : own.map(({ address }) => (/^[a-z]+:\/\//u.test(address) ? address : path.join(root, address))));
  return { count: lines.packages.length, constraintVersion, findings: [...findings, ...installed.findings], notChecked: [...notChecked, ...installed.notChecked] };
}
