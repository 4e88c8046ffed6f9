import { expect, it } from '@jest/globals';
import { blamedLines, conflictFinding, isNetworkTrouble, withoutAddresses } from '../../../src/check/requirement-conflicts.js';

const line = (number: number, text: string, name: string | undefined) => ({ file: 'requirements.txt', line: number, text, name });
// As uv 0.13.9 wrote it, with another index' address.
const CONFLICT = '  × No solution found when resolving dependencies:\n  ╰─▶ Because great-expectations==0.15.0 depends on jinja2<3.1 and you require\n      jinja2==3.1.4, we can conclude that great-expectations==0.15.0 cannot be used.';
const MISSING = '  × No solution found when resolving dependencies:\n  ╰─▶ Because no-such-thing was not found in the package registry and you require\n      no-such-thing, we can conclude that your requirements are unsatisfiable.';

it('blames the lines whose package is named, by any spelling of it', () =>
  expect(blamedLines(CONFLICT, [line(1, 'Great_Expectations==0.15.0', 'great-expectations'), line(2, 'pandas', 'pandas'), line(3, 'great', 'great')]).map(({ line: at }) => at)).toEqual([1]));

it("says what the target's constraints pin where they do", () => {
  const finding = conflictFinding(line(4, 'pandas==1.0', 'pandas'), CONFLICT, '2.10.3');
  expect(finding).toMatchObject({ code: 'requirements-conflict', level: 'error', file: 'requirements.txt', line: 4 });
  expect(finding.why).toMatch(/pin pandas to 2\.1\.4/u);
});

it('repeats nothing that a build script has printed', () => {
  const built = conflictFinding(line(1, 'own-package==1', 'own-package'), '  × Failed to build `own-package==1`\n  ╰─▶ Call to build backend failed\n      [stdout]\n      UV_INDEX_ACME_PASSWORD=canary', '2.10.3');
  expect(built.code).toBe('requirements-build');
  expect(JSON.stringify(built)).not.toContain('canary');
});

it("gives the resolver's reason on one line where they do not", () => expect(conflictFinding(line(1, 'great-expectations==0.15.0', 'great-expectations'), CONFLICT, '2.10.3').why).toContain('great-expectations==0.15.0 depends on jinja2<3.1 and you require jinja2==3.1.4'));

it('tells a package that no index has', () => expect(conflictFinding(line(1, 'no-such-thing', 'no-such-thing'), MISSING, '2.10.3')).toMatchObject({ code: 'requirements-missing' }));

it('shows no address and no path of the machine: an index may have its password in it', () =>
  expect(withoutAddresses('error: Failed at https://user:canary@pip.example/simple/x and /home/runner/work/_temp/mwaa-migrate-check-1/requirements.txt')).toBe('error: Failed at (address) and …/requirements.txt'));

it.each([
  ['error: Request failed after 3 retries\n  Caused by: Failed to fetch: `https://index.example/simple/x/`\n  Caused by: error sending request\n  Caused by: client error (Connect)\n  Caused by: dns error', true],
  ['Caused by: HTTP status server error (503 Service Unavailable) for url', true], ['HTTP status client error (401 Unauthorized) for url', true], [CONFLICT, false], [MISSING, false], ['Failed to build `x==401`', false],
])('tells a network that fails from an answer: %s', (text, is) => expect(isNetworkTrouble(text)).toBe(is));
