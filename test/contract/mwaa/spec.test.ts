import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadTemplate } from '../../sandbox/iam/cloudformation.js';
import { createIdentityWorld } from '../../sandbox/iam/world.js';
import { connectionFromUri } from '../../sandbox/spec/connection-uri.js';
import { parseSpec, readSpec } from '../../sandbox/spec/read-spec.js';

const FILE = path.join(process.cwd(), 'test/sandbox/examples/x.yaml');
const mistakesOf = (text: string): string => {
  try {
    parseSpec(text, FILE);
    return '';
  } catch (error) {
    return String(error).replaceAll(FILE, 'x.yaml');
  }
};

describe('the sandbox’s spec', () => {
  it('fills in what the file leaves out', () => {
    const spec = parseSpec('environments:\n  - { name: Analytics_1, airflow-version: 2.7.2, variables: { a: 1, b: { c: [true] } }, dags: dags }\n', FILE);
    expect(spec).toMatchObject({ accounts: ['111122223333'], region: 'eu-west-1' });
    expect(spec.environments).toMatchObject([{
      account: '111122223333', region: 'eu-west-1', webServer: 'PUBLIC_ONLY', bucket: 'mwaa-analytics-1-111122223333', dagsPath: 'dags', database: { kind: 'empty' },
      variables: { a: '1', b: '{"c":[true]}' }, dags: path.join(path.dirname(FILE), 'dags'),
    }]);
  });

  it.each(['two-environments.yaml'])('reads the example %s', (name) => {
    expect(readSpec(path.join(path.dirname(FILE), name)).environments.length).toBeGreaterThan(0);
  });

  it('gives, in the example, roles whose template has all its parameters, and a target where the plan would put it', () => {
    const { iam, environments, github } = readSpec(path.join(path.dirname(FILE), 'two-environments.yaml'));
    const [stack] = iam, [source, target] = environments;
    const { outputs } = loadTemplate(createIdentityWorld({ accounts: ['111122223333'] }), stack!.template, { account: stack!.account, region: stack!.region, parameters: stack!.parameters });
    expect(Object.keys(outputs)).toEqual(['PlanRole', 'SourceRole', 'TargetRole']);
    expect(stack!.parameters).toMatchObject({ Repository: github.repository, SourceEnvironment: source!.name, TargetEnvironment: target!.name, SourceBucket: source!.bucket });
    expect(github.environment).toBe('migration-production');
    expect([target!.bucket, target!.dagsPath]).toEqual([source!.bucket, `${target!.name}/dags`]);
  });

  it('tells every mistake at once, each with its line', () => {
    const text = ['region: Europe', 'environments:', '  - name: 1st', '    airflow-version: 2.7.1', '    web_server: PUBLIC_ONLY', '    database: { dump: x.sql }', '  - airflow-version: 2.7.2'].join('\n');
    const said = mistakesOf(text);
    expect(said).toContain('x.yaml:1:9: region must match pattern');
    expect(said).toContain('x.yaml:3:11: environments.0.name must match pattern');
    expect(said).toMatch(/x\.yaml:4:22: environments\.0\.airflow-version must be one of 1\.10\.12, .*2\.7\.2/);
    expect(said).toContain('x.yaml:5:5: environments.0: unknown key "web_server"');
    expect(said).toMatch(/x\.yaml:6:\d+: environments\.0\.database must be "empty", or a map with "fernet-key"/);
    expect(said).toContain('x.yaml:7:5: environments.1: "name" is missing');
  });

  it.each([
    { text: 'environments: [\n', says: /x\.yaml:\d+:\d+: / },
    { text: 'environments:\n  - { name: a, airflow-version: 2.7.2, dags: nowhere }', says: /x\.yaml:2:\d+: environments\.0\.dags: .*nowhere does not exist/ },
    { text: 'environments:\n  - { name: a, airflow-version: 2.7.2 }\n  - { name: a, airflow-version: 2.7.2 }', says: /x\.yaml:3:\d+: .*"a" is named twice/ },
    { text: 'accounts: ["111122223333"]\nenvironments:\n  - { name: a, airflow-version: 2.7.2, account: "999999999999" }', says: /x\.yaml:3:\d+: .*999999999999 is not among/ },
    { text: 'environments:\n  - { name: a, airflow-version: 1.10.12, connections: { c: "http://x" } }', says: /takes them only as process arguments/ },
    { text: 'environments:\n  - { name: a, airflow-version: 2.7.2, database: { dump: no.sql, fernet-key: ZmVybmV0LWtleS1vZi10aGUtZXhhbXBsZS1kdW1wISE= } }', says: /x\.yaml:2:\d+: .*no\.sql does not exist/ },
    { text: 'iam:\n  - { template: gone.yaml }\nenvironments: []', says: /x\.yaml:2:\d+: iam\.0\.template: .*gone\.yaml does not exist/ },
  ])('refuses $text', ({ text, says }) => expect(mistakesOf(text)).toMatch(says));

  it('names a file that is not there', () => expect(() => readSpec('nowhere.yaml')).toThrow(/nowhere\.yaml: there is no such file/));
});

describe('connection URIs', () => {
  // Expected values: what `Connection(uri=…)` of Airflow 2.7.2 makes of them; its empty texts are absent here.
  it.each([
    ['postgresql://user:p%40ss@db.example.com:5432/sales?sslmode=require', { conn_type: 'postgres', login: 'user', password: 'p@ss', host: 'db.example.com', port: 5432, schema: 'sales', extra: '{"sslmode":"require"}' }],
    ['aws://', { conn_type: 'aws' }],
    ['google-cloud-platform://?__extra__=%7B%22a%22%3A+1%7D', { conn_type: 'google_cloud_platform', extra: '{"a": 1}' }],
    ['http://host', { conn_type: 'http', host: 'host' }],
  ])('%s', (uri, fields) => expect(connectionFromUri(uri)).toEqual(fields));
});
