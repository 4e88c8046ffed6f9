/** Server-side encryption: which key, and what S3 asks of KMS with the caller's rights. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html */
import { AwsError, type FrontRequest, type World } from '../../front/contract.js';
import { bucketArn, objectArn } from './address.js';
import type { Bucket, Encryption } from './state.js';

const HEADER = 'x-amz-server-side-encryption';
export type ServerSideEncryption = ReturnType<typeof createEncryption>;

export function createEncryption({ kms }: Pick<World, 'kms'>) {
  const use = (request: FrontRequest, bucket: Bucket, action: 'kms:GenerateDataKey' | 'kms:Decrypt', key: string, context: Readonly<Record<string, string>>): string => {
    if (request.principal.kind === 'anonymous')
      throw new AwsError('InvalidArgument', 'Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.', 400);
    try {
      return kms.use(request.principal, action, key, { region: bucket.region, via: `s3.${bucket.region}.amazonaws.com`, encryptionContext: context }).keyArn;
    } catch (error) {
      throw error instanceof AwsError ? asS3Error(error) : error;
    }
  };

  return {
    /** Decides by header or by the bucket's rule, and makes the data key. @throws AwsError AccessDenied, KMS.*, InvalidArgument */
    forWrite(request: FrontRequest, bucket: Bucket, key: string): Encryption {
      const wanted = wantedEncryption(request.headers, bucket);
      if (wanted.algorithm === 'AES256') return { algorithm: 'AES256' };
      const context = { ...sentContext(request.headers), 'aws:s3:arn': wanted.bucketKey ? bucketArn(bucket.name) : objectArn(bucket.name, key) };
      const keyArn = use(request, bucket, 'kms:GenerateDataKey', wanted.key ?? 'alias/aws/s3', context);
      return { algorithm: 'aws:kms', keyArn, bucketKey: wanted.bucketKey, context };
    },
    /** Nothing to ask for SSE-S3. */
    forRead(request: FrontRequest, bucket: Bucket, encryption: Encryption): void {
      if (encryption.algorithm === 'aws:kms') use(request, bucket, 'kms:Decrypt', encryption.keyArn, encryption.context);
    },
  };
}

export function encryptionHeaders(encryption: Encryption): Readonly<Record<string, string>> {
  if (encryption.algorithm === 'AES256') return { [HEADER]: 'AES256' };
  return {
    [HEADER]: 'aws:kms', [`${HEADER}-aws-kms-key-id`]: encryption.keyArn,
    ...(encryption.bucketKey ? { [`${HEADER}-bucket-key-enabled`]: 'true' } : {}),
  };
}

/** A GET or HEAD that names an encryption is a mistake that S3 refuses. */
export function refuseEncryptionHeaders(headers: Readonly<Record<string, string>>): void {
  if (headers[HEADER] !== undefined)
    throw new AwsError('InvalidArgument', `${HEADER} header is not supported for this operation.`, 400, { ArgumentName: HEADER, ArgumentValue: headers[HEADER] });
  refuseCustomerKeys(headers);
}

function refuseCustomerKeys(headers: Readonly<Record<string, string>>): void {
  const customer = Object.keys(headers).find((name) => /server-side-encryption-customer-/u.test(name));
  if (customer !== undefined) throw new AwsError('NotImplemented', `The sandbox's S3 does not know customer-provided keys: ${customer}.`, 501, { Header: customer });
}

function wantedEncryption(headers: Readonly<Record<string, string>>, bucket: Bucket): Readonly<{ algorithm: 'AES256' | 'aws:kms'; key: string | undefined; bucketKey: boolean }> {
  refuseCustomerKeys(headers);
  const algorithm = headers[HEADER], key = headers[`${HEADER}-aws-kms-key-id`], bucketKey = headers[`${HEADER}-bucket-key-enabled`];
  const invalid = (name: string, value: string, message: string) => new AwsError('InvalidArgument', message, 400, { ArgumentName: name, ArgumentValue: value });
  if (algorithm === undefined && key !== undefined)
    throw invalid(HEADER, 'null', `Server Side Encryption with AWS KMS managed key requires HTTP header ${HEADER} : aws:kms`);
  if (algorithm === undefined) return { ...bucket.encryption, bucketKey: bucketKey === undefined ? bucket.encryption.bucketKey ?? false : bucketKey === 'true' };
  if (algorithm === 'aws:kms:dsse') throw new AwsError('NotImplemented', "The sandbox's S3 does not know aws:kms:dsse.", 501, { Header: HEADER });
  if (algorithm === 'AES256') {
    if (key !== undefined) throw invalid(`${HEADER}-aws-kms-key-id`, key, 'The encryption method specified is not supported with a KMS key id');
    return { algorithm, key: undefined, bucketKey: false };
  }
  if (algorithm !== 'aws:kms') throw invalid(HEADER, algorithm, 'The encryption method specified is not supported');
  // The header's algorithm replaces the bucket's rule as a whole: without a key id it means the AWS managed key, unless the rule is aws:kms too.
  const sameAlgorithm = bucket.encryption.algorithm === 'aws:kms';
  return { algorithm, key: key ?? (sameAlgorithm ? bucket.encryption.key : undefined), bucketKey: bucketKey === undefined ? sameAlgorithm && bucket.encryption.bucketKey === true : bucketKey === 'true' };
}

/** `x-amz-server-side-encryption-context`: base64 of a JSON object of strings. */
function sentContext(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const sent = headers[`${HEADER}-context`];
  if (sent === undefined) return {};
  try {
    const value: unknown = JSON.parse(Buffer.from(sent, 'base64').toString('utf8'));
    if (typeof value === 'object' && value !== null && Object.values(value).every((item) => typeof item === 'string')) return value as Record<string, string>;
  } catch { /* the same answer as for any other shape, below */ }
  throw new AwsError('InvalidArgument', `The header '${HEADER}-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map.`, 400, { ArgumentName: `${HEADER}-context` });
}

/** S3 passes KMS's refusals on under names of its own: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
function asS3Error(error: AwsError): AwsError {
  if (/^AccessDenied/u.test(error.code)) return new AwsError('AccessDenied', error.message, 403);
  return new AwsError(`KMS.${error.code}`, error.message, 400);
}
