/** The function behind each operation name. */
import type { FrontResponse } from '../../front/contract.js';
import { deleteBucket, getBucketLocation, headBucket } from './buckets.js';
import * as settings from './bucket-settings.js';
import type { BucketCall, ObjectCall, Store } from './calls.js';
import { copyObject } from './copies.js';
import { deleteObject, deleteObjects } from './deletes.js';
import { listObjects, listObjectsV2, listObjectVersions } from './listings.js';
import { abortMultipartUpload, createMultipartUpload, uploadPart, uploadPartCopy } from './multipart.js';
import { completeMultipartUpload } from './multipart-completion.js';
import { listMultipartUploads, listParts } from './multipart-listings.js';
import { getObject, getObjectAttributes, headObject } from './object-reads.js';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './object-tags.js';
import { putObject } from './object-writes.js';
import type { OperationName } from './operations.js';

type Answer = FrontResponse | Promise<FrontResponse>;
type Handlers<Call> = Readonly<Partial<Record<OperationName, (store: Store, call: Call) => Answer>>>;

export const BUCKET_HANDLERS: Handlers<BucketCall> = {
  DeleteBucket: deleteBucket, HeadBucket: headBucket, GetBucketLocation: getBucketLocation,
  GetBucketVersioning: settings.getBucketVersioning, PutBucketVersioning: settings.putBucketVersioning,
  GetBucketEncryption: settings.getBucketEncryption, PutBucketEncryption: settings.putBucketEncryption, DeleteBucketEncryption: settings.deleteBucketEncryption,
  GetPublicAccessBlock: settings.getPublicAccessBlock, PutPublicAccessBlock: settings.putPublicAccessBlock, DeletePublicAccessBlock: settings.deletePublicAccessBlock,
  GetBucketPolicy: settings.getBucketPolicy, PutBucketPolicy: settings.putBucketPolicy, DeleteBucketPolicy: settings.deleteBucketPolicy, GetBucketPolicyStatus: settings.getBucketPolicyStatus,
  GetBucketTagging: settings.getBucketTagging, PutBucketTagging: settings.putBucketTagging, DeleteBucketTagging: settings.deleteBucketTagging,
  GetBucketOwnershipControls: settings.getBucketOwnershipControls,
  GetBucketLifecycleConfiguration: settings.getBucketLifecycle, PutBucketLifecycleConfiguration: settings.putBucketLifecycle, DeleteBucketLifecycle: settings.deleteBucketLifecycle,
  ListObjects: listObjects, ListObjectsV2: listObjectsV2, ListObjectVersions: listObjectVersions, ListMultipartUploads: listMultipartUploads, DeleteObjects: deleteObjects,
};

export const OBJECT_HANDLERS: Handlers<ObjectCall> = {
  PutObject: putObject, CopyObject: copyObject, GetObject: getObject, HeadObject: headObject, DeleteObject: deleteObject, GetObjectAttributes: getObjectAttributes,
  GetObjectTagging: getObjectTagging, PutObjectTagging: putObjectTagging, DeleteObjectTagging: deleteObjectTagging,
  CreateMultipartUpload: createMultipartUpload, UploadPart: uploadPart, UploadPartCopy: uploadPartCopy, CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload, ListParts: listParts,
};
