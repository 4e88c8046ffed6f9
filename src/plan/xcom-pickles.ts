/** XComs that the source wrote as pickles: they move byte for byte, and a target that reads no pickles cannot hand them to a task. Pure. */
import { OPTION_FACTS } from '../airflow/option-facts.js';
import { isAtLeast } from '../airflow/versions.js';
import type { Seen } from './blockers.js';
import { finding, type Finding } from './finding.js';
import { defaultIn } from './option-steps.js';
import { planTargetOptions, sentOptions } from './target-options.js';

const OPTION = 'core.enable_xcom_pickling';
/** 2.7 unpickles what is no JSON, whatever the option says; seen on 2.7.2, 2.10.3, 2.11.2 (test/metadata/test_reads.py). */
const FIRST_STRICT = '2.8';
/** Airflow 3 has neither the option nor pickles. */
const FIRST_WITHOUT = '3';

export function picklesLeft({ source, file }: Seen): readonly Finding[] {
  const target = file.target.airflowVersion;
  if (!file.metadata.xcom || !isAtLeast(target, FIRST_STRICT)) return [];
  const planned = sentOptions(planTargetOptions(source, file));
  const sourcePickles = isTrue(source.AirflowConfigurationOptions?.[OPTION] ?? defaultIn(OPTION, source.AirflowVersion, OPTION_FACTS));
  const cannotRead = isAtLeast(target, FIRST_WITHOUT);
  if (!sourcePickles || (!cannotRead && isTrue(planned[OPTION] ?? defaultIn(OPTION, target, OPTION_FACTS)))) return [];
  return [finding('xcom-pickles', `The source stores XComs as pickles (${OPTION}), and Airflow ${target} does not read them`, 'they arrive byte for byte, but a task that pulls one of an earlier or resumed run gets an error',
    cannotRead ? 'let no task read XComs of earlier runs' : `set ${OPTION}: "True" in target.configuration until no task reads XComs of the time before; new XComs are then pickles too`)];
}

/** As Airflow's conf.getboolean. */
const isTrue = (value: string | null | undefined): boolean => /^\s*(?:t|true|1)\s*$/iu.test(value ?? '');
