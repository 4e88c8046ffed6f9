/**
 * Which values of Airflow options may be shown: a number or a switch where Airflow itself has one, and a word where Airflow has a choice.
 * Everything else is "(hidden)", for an option can hold a password, a connection string or a command. What is missing here is merely less
 * readable; the reverse could leak.
 */
import { OPTION_FACTS } from './option-facts.js';

const LEVEL = /^(debug|info|warn|warning|error|critical|fatal|notset)$/iu, ZONE = /^(utc|system|[A-Z][A-Za-z]{2,20}\/[A-Za-z_/+-]{2,40})$/iu;
const CHOICES: Readonly<Record<string, RegExp>> = {
  'celery.worker_autoscale': /^\d{1,4},\d{1,4}$/u,
  'core.default_timezone': ZONE, 'webserver.default_ui_timezone': ZONE,
  'logging.logging_level': LEVEL, 'logging.fab_logging_level': LEVEL, 'logging.celery_logging_level': LEVEL,
  'webserver.dag_default_view': /^(tree|grid|graph|duration|gantt|landing_times)$/u, 'webserver.dag_orientation': /^(LR|TB|RL|BT)$/u,
};

export const HIDDEN = '(hidden)';

/** The value where it may be shown, else HIDDEN. */
export const visibleValue = (option: string, value: string): string => ((Object.hasOwn(CHOICES, option) ? CHOICES[option]?.test(value) : isPlain(value) && isNumberOrSwitch(option)) ? value : HIDDEN);

const isPlain = (value: string): boolean => /^(true|false|-?\d{1,9}(\.\d{1,6})?)$/iu.test(value.trim());

/** Every default that it ever had is plain; one without any default says nothing of itself. */
function isNumberOrSwitch(option: string): boolean {
  const known = Object.hasOwn(OPTION_FACTS.options, option) ? OPTION_FACTS.options[option] : undefined;
  const standards = known?.changes.map(([, standard]) => standard).filter((standard) => typeof standard === 'string' && standard !== '') ?? [];
  return known?.isSensitive !== true && standards.length > 0 && standards.every((standard) => typeof standard === 'string' && isPlain(standard));
}

/** Options as they may be shown, stored and digested. */
export const visibleOptions = (options: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(options).map(([option, value]) => [option, visibleValue(option, value)]));
