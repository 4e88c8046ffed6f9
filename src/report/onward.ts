/** What comes after a phase that went well: in the workflow the next job begins by itself, with the action alone a person starts the next phase. Pure. */
import { code, type Part, type Text } from './document.js';

/**
 * @param jobs of migrate.yml that may come next, the first that the run has
 * @param phase what to do without the workflow, after "run phase "; without a full stop
 */
export const onward = (jobs: readonly string[], ...phase: readonly Part[]): Text => [
  'In the workflow ', code('migrate.yml'), ' do not start it by hand: job ', ...jobs.flatMap((job, at): readonly Part[] => [at > 0 ? ' or ' : '', code(job)]), ' comes next by itself, unless this run leaves it out. ',
  'With the action alone, run phase ', ...phase, '.',
];
