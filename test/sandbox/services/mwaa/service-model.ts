/** AWS's own description of the MWAA API, as it ships in botocore: operations, shapes, limits. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

type ShapeRef = Readonly<{ shape: string; location?: 'uri' | 'querystring'; locationName?: string }>;

export type Shape = Readonly<{
  type: 'structure' | 'map' | 'list' | 'string' | 'integer' | 'double' | 'boolean' | 'timestamp';
  members?: Readonly<Record<string, ShapeRef>>;
  required?: readonly string[];
  member?: ShapeRef;
  key?: ShapeRef;
  value?: ShapeRef;
  /** Of a string its characters, of a list or map its entries, of a number its value. */
  min?: number;
  max?: number;
  pattern?: string;
  enum?: readonly string[];
  /** Free JSON. */
  document?: boolean;
}>;

export type Operation = Readonly<{
  name: string;
  http: Readonly<{ method: string; requestUri: string; responseCode: number }>;
  input: Readonly<{ shape: string }>;
  output: Readonly<{ shape: string }>;
  deprecated?: boolean;
}>;

export type ServiceModel = Readonly<{ operations: Readonly<Record<string, Operation>>; shapes: Readonly<Record<string, Shape>> }>;

/** @param toolsBin folder `bin` of the Python environment that scripts/python.mjs makes; boto3 is part of it */
export function readServiceModel(toolsBin: string): ServiceModel {
  const lib = path.join(toolsBin, '..', 'lib');
  const python = readdirSync(lib).find((name) => /^python3\.\d+$/.test(name));
  if (!python) throw new Error(`No python3.x folder in ${lib}: the Python tools environment is damaged; delete it, it is made again.`);
  const folder = path.join(lib, python, 'site-packages', 'botocore', 'data', 'mwaa', '2020-07-01');
  const file = readdirSync(folder).find((name) => name.startsWith('service-2.json'));
  if (!file) throw new Error(`botocore ships no service-2.json in ${folder}.`);
  const bytes = readFileSync(path.join(folder, file));
  return JSON.parse((file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')) as ServiceModel;
}

/** The shape of that name. */
export function shapeOf(model: ServiceModel, name: string): Shape {
  const shape = model.shapes[name];
  if (!shape) throw new Error(`The service model has no shape "${name}".`);
  return shape;
}
