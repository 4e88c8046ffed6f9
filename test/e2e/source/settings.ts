import { randomBytes } from 'node:crypto';
import { HOSTILE, HOSTILE_SHORT } from './hostile.js';

/** A value whose appearance outside the two databases is a leak. `name` is safe to show. */
export type Canary = Readonly<{ name: string; value: string }>;

/** Without a description the column stays NULL. */
export type SourceVariable = Readonly<{ key: string; value: string; description?: string }>;
/** As the REST API takes it; what is left out stays NULL. */
export type SourceConnection = Readonly<{
  connection_id: string; conn_type: string; description?: string; host?: string; login?: string; schema?: string; port?: number; password?: string; extra?: string;
}>;
export type SourcePool = Readonly<{ name: string; slots: number; description: string; include_deferred: boolean }>;

/** Random, so that nothing but a leak can contain one, and plain letters, so that few encodings change it. */
const marker = (): string => `canary${randomBytes(15).toString('hex')}`;

/**
 * Variables of every kind with values nobody else has.
 * Both the whole value and the marker inside are canaries: an encoder that changes special characters leaves the marker readable.
 */
export function makeVariables(): Readonly<{ variables: readonly SourceVariable[]; canaries: readonly Canary[] }> {
  const kinds: readonly (readonly [key: string, value: (mark: string) => string, description?: string])[] = [
    // Read by daily_sales. Not a name that Airflow's own masking knows (password, token, secret …).
    ['sales_region', (mark) => mark, 'Region whose sales are loaded'],
    ['api_token', (mark) => `t0k+/=%&<>"'\\ ${mark} ünï 🦊`, HOSTILE],
    ['service_account', (mark) => JSON.stringify({ user: 'größe', password: mark, scopes: ['a', { b: [null, 1.5] }] }, null, 2), ''],
    ['certificate', (mark) => `-----BEGIN PRIVATE KEY-----\r\n${mark}\r\n${HOSTILE}\r\n-----END PRIVATE KEY-----\r\n`],
    ['large_value', (mark) => `${mark}\n`.repeat(Math.ceil(100_000 / (mark.length + 1))), '100 kB'],
    [`key ${HOSTILE_SHORT}`, (mark) => mark, HOSTILE_SHORT],
  ];
  const marked = kinds.map(([key, value, description]) => {
    const mark = marker();
    return { variable: { key, value: value(mark), ...(description === undefined ? {} : { description }) }, canaries: [{ name: key, value: value(mark) }, { name: `${key} (marker)`, value: mark }] };
  });
  return {
    variables: [...marked.map(({ variable }) => variable), { key: 'empty_value', value: '', description: 'Set, but empty' }],
    // The large value as a whole would be found only where all of it stands together; its marker says as much.
    canaries: marked.flatMap(({ canaries }) => canaries).filter(({ value }, index, all) => value.length < 10_000 && all.findIndex((other) => other.value === value) === index),
  };
}

/** Connections whose every text is a secret of its own: a password is no more to be seen than the host that it opens. */
export function makeConnections(): Readonly<{ connections: readonly SourceConnection[]; canaries: readonly Canary[] }> {
  const canaries: Canary[] = [];
  const secret = (name: string, value: (mark: string) => string): string => {
    const mark = marker(), text = value(mark);
    canaries.push({ name: `connection ${name} (marker)`, value: mark }, ...(text === mark || text.length > 10_000 ? [] : [{ name: `connection ${name}`, value: text }]));
    return text;
  };
  const plain = (mark: string) => mark;
  return {
    connections: [
      {
        connection_id: 'sales_warehouse', conn_type: 'postgres', port: 5432, schema: 'sales', description: secret('description', plain), host: secret('host', (mark) => `${mark}.example.com`),
        login: secret('login', plain), password: secret('password', (mark) => `p@ss:/?#"'%s{} ünï 🦊 ${mark}`), extra: secret('extra', (mark) => JSON.stringify({ sslmode: 'require', token: mark, more: ['größe', null] })),
      },
      { connection_id: 'partner_api', conn_type: 'http', password: secret('bearer', plain), extra: secret('large extra', (mark) => JSON.stringify({ lines: `${mark} `.repeat(600) })) },
      { connection_id: 'nothing_but_a_name', conn_type: 'aws' },
    ],
    canaries,
  };
}

/** One more, for a row that is planted unencrypted, as Airflow wrote them before it had a Fernet key. */
export const plainCanary = (): Canary => ({ name: 'planted_plain', value: marker() });

export const POOLS: readonly SourcePool[] = [
  { name: 'sales_pool', slots: 4, description: HOSTILE, include_deferred: false },
  { name: `pool ${HOSTILE_SHORT}`, slots: 1, description: '', include_deferred: true },
];

/** Slots of default_pool, other than Airflow's 128, so that the move of a row that is there already shows. */
export const DEFAULT_POOL_SLOTS = 96;
