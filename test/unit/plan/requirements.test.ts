import { describe, expect, it } from '@jest/globals';
import { requirementsFor } from '../../../src/plan/requirements.js';

const LINE = '--constraint "https://raw.githubusercontent.com/apache/airflow/constraints-2.10.3/constraints-3.11.txt"';
const OLD = '--constraint "https://raw.githubusercontent.com/apache/airflow/constraints-2.7.2/constraints-3.11.txt"';

describe('requirements.txt for Airflow 2.10.3', () => {
  it.each([
    { from: 'pandas\n', to: `${LINE}\npandas\n`, change: 'added', because: 'there was none' },
    { from: '', to: `${LINE}\n`, change: 'added', because: 'an empty file is a file' },
    { from: 'a\r\nb', to: `${LINE}\r\na\r\nb`, change: 'added', because: 'line ends stay those of the file' },
    { from: `${OLD}\r\npandas==1\r\n\r\n# ü\r\n`, to: `${LINE}\r\npandas==1\r\n\r\n# ü\r\n`, change: 'replaced', because: 'another Airflow' },
    { from: 'x\n  -c https://raw.githubusercontent.com/apache/airflow/constraints-2.10.3/constraints-3.8.txt', to: `x\n${LINE}`, change: 'replaced', because: 'another Python; no line end at the end' },
    { from: `--constraint=https://raw.githubusercontent.com/apache/airflow/constraints-2.10.3/constraints-3.11.txt\n`, to: `${LINE}\n`, change: 'replaced', because: 'MWAA does not see the form with =' },
    { from: `${OLD}\n${OLD}\nx\n`, to: `${LINE}\nx\n`, change: 'replaced', because: 'two of Airflow\'s would contradict each other' },
    { from: `${LINE}\nx\n`, to: `${LINE}\nx\n`, change: 'kept', because: 'it is right' },
    { from: '-c https://raw.githubusercontent.com/apache/airflow/constraints-2.10.3/constraints-3.11.txt\n', to: '-c https://raw.githubusercontent.com/apache/airflow/constraints-2.10.3/constraints-3.11.txt\n', change: 'kept', because: 'the short form is right too' },
    { from: '--constraint "/usr/local/airflow/dags/mine.txt"\nx', to: '--constraint "/usr/local/airflow/dags/mine.txt"\nx', change: 'kept', because: 'the user\'s own file' },
    { from: `# ${OLD}\nx\n`, to: `${LINE}\n# ${OLD}\nx\n`, change: 'added', because: 'a comment constrains nothing' },
    { from: 'package-c == 1\n', to: `${LINE}\npackage-c == 1\n`, change: 'added', because: 'a name that ends in -c is no option' },
  ])('$change: $because', ({ from, to, change }) => expect(requirementsFor('2.10.3', from)).toMatchObject({ text: to, change }));

  it('is not guessed for a version that MWAA never sold', () => expect(requirementsFor('2.10.2', 'x')).toBeUndefined());
});
