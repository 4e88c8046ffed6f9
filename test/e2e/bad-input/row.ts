/** One wrong thing that a user can do or meet, and what the action has to say about it. */
import type { MigrationWorld, RunMore } from '../support/world.js';

export type Row = Readonly<{
  name: string;
  phase: string;
  inputs?: Readonly<Record<string, string>>;
  /** Sections laid over the ordinary migration file; a text is the whole file. */
  file?: Readonly<Record<string, unknown>> | string;
  /** Makes the world wrong. What it returns puts it right again. */
  prepare?: (world: MigrationWorld) => Undo | Promise<Undo>;
  /** Inputs and variables that are known only when the world stands. */
  late?: (world: MigrationWorld) => Readonly<{ inputs?: Readonly<Record<string, string>>; more?: RunMore }> | Promise<Readonly<{ inputs?: Readonly<Record<string, string>>; more?: RunMore }>>;
  /** What is wrong, and where: the beginning of the message. */
  what: readonly string[];
  why: readonly string[];
  fix: readonly string[];
  /** Calls of AWS that the row may make. Default: reads. `journal`: taking the lock and noting the plan, nothing else. */
  calls?: 'none' | 'reads' | 'journal';
  /** Writes that AWS has to refuse: their attempt is the point of the row. */
  refused?: readonly string[];
  /** Takes half a minute and touches nothing of the world: begins with the first row and goes on beside the others. */
  isSlow?: true;
  /** The phase has a report of its own, which says the same in other words: only these must stand in it. */
  report?: readonly string[];
}>;
export type Undo = (() => void | Promise<void>) | undefined;
