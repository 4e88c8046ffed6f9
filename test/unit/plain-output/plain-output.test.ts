import { expect, it } from '@jest/globals';
import { plain, speakPlainly } from '../../../src/plain-output.js';

it.each([
  ['::error title=import-removed,file=dags/a.py,line=3::gone%0AWhy: it was removed%0AFix: another', 'dags/a.py:3: error: gone [import-removed]\n  Why: it was removed\n  Fix: another\n'],
  ['::warning file=dags/a%2Cb%3A.py::100 %25 of it%0A', 'dags/a,b:.py: warning: 100 % of it\n  \n'],
  ['::notice::plain', 'notice: plain\n'],
  ['::error::%0A  Why: x\u001B[31m%0D', 'error: \n  Why: x[31m\n'],
  ['::error::%2525%253A', 'error: %25%3A\n'],
  ['::set-output name=blockers::1', ''], ['::add-mask::secret', ''], ['\n', ''], ['::endgroup::', ''], ['::group::Installing', 'Installing\n'],
])('%j becomes %j', (command, line) => expect(plain(command === '\n' ? command : `${command}\n`)).toBe(line));

it.each(['a line\n', 'dags :: more::\n', 'two\n::error::lines\n', '::unknown::x\n'])('leaves %j as it is', (text) => expect(plain(text)).toBe(text));

it('works on what is written to a stream, bytes untouched', () => {
  const written: unknown[] = [];
  const stream = { write: (chunk: unknown) => { written.push(chunk); return true; } };
  speakPlainly(stream);
  for (const chunk of ['::notice::a\n', 'b\n', Buffer.from('::notice::c\n')]) stream.write(chunk);
  expect(written).toEqual(['notice: a\n', 'b\n', Buffer.from('::notice::c\n')]);
});
