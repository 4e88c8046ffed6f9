/**
 * Run by hand, nobody reads workflow commands: annotations become lines for a person, in the form that editors and terminals can follow to the place,
 * and what only a runner needs is left out. Commands: https://docs.github.com/actions/reference/workflow-commands
 */

const COMMAND = /^::([a-z-]+)(?: ([^\n]*?))?::([^\n]*)\n?$/u;
const LEVELS = ['error', 'warning', 'notice'];
/** Masks, outputs, states: for a runner. */
const SILENT = ['add-mask', 'set-output', 'save-state', 'debug', 'endgroup', 'set-env', 'add-path', 'echo'];

type Writable = { write(chunk: unknown, ...rest: unknown[]): boolean };

/** Commands that @actions/core writes to this stream from now on come out as lines for a person; all else is left as it is. */
export function speakPlainly(stream: Writable): void {
  const write = stream.write.bind(stream);
  stream.write = (chunk, ...rest) => (typeof chunk === 'string' ? write(plain(chunk), ...rest) : write(chunk, ...rest));
}

/** @param chunk what is written at once: @actions/core writes each command by itself, and a line end of its own before an output */
export function plain(chunk: string): string {
  if (chunk === '\n') return '';
  const [, command = '', properties = '', data = ''] = COMMAND.exec(chunk) ?? [];
  if (SILENT.includes(command)) return '';
  if (command === 'group') return `${decoded(data)}\n`;
  if (!LEVELS.includes(command)) return chunk;
  const of = Object.fromEntries(properties.split(',').map((pair) => [pair.slice(0, pair.indexOf('=')), decoded(pair.slice(pair.indexOf('=') + 1))]));
  const place = of['file'] === undefined ? '' : `${of['file']}:${of['line'] === undefined ? '' : `${of['line']}:`} `;
  const [first = '', ...more] = decoded(data).split('\n');
  return [`${place}${command}: ${first}${of['title'] === undefined ? '' : ` [${of['title']}]`}`, ...more.map((line) => `  ${line.trim()}`)].map((line) => `${line}\n`).join('');
}

/** As @actions/core encodes, backwards; a terminal gets no control character of a stranger's. */
const decoded = (text: string): string =>
  text.replace(/%(0D|0A|3A|2C|25)/gu, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16))).replace(/[^\P{Cc}\n]/gu, '');
