/** The step's log. One fact per line; a phase's work is folded into groups, which GitHub shows closed. */
import * as core from '@actions/core';
import type { Log } from './ports.js';

export const actionsLog: Log = {
  info: (line) => core.info(line),
  warn: (line) => core.warning(line),
  group: (title, work) => core.group(title, work),
};
