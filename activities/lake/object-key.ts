// Every object key of the lake, relative to the pipeline's folder. The layout is a contract: docs/lake-format.md.
// Names are percent-encoded (also `.` and `/`), so that no table's name can reach into the folder of another.

import type { TableName } from '../../workflows/model/relation.ts';

export interface DataPlace extends TableName {
  /** Number of the manifest that is to name the file. */
  readonly seq: number;
  /** Counts the files of one batch from 0. */
  readonly part: number;
  /** Commit time of the batch's first transaction, in microseconds since 1970: only decides where the file is placed. */
  readonly commitTimeUs: number;
  /** Random name of the attempt. */
  readonly nonce: string;
}

/** Of a record: a later run on the same day replaces it. */
export interface RecordPlace {
  readonly asset: string;
  /** Null = the asset has no partitions. */
  readonly partition: string | null;
  readonly at: string;
}

/** The lake's own random id. */
export const IDENTITY_KEY = 'identity.json';

const SEQ_DIGITS = 20;
const CHUNK_DIGITS = 8;

const padded = (value: number, digits: number) => String(value).padStart(digits, '0');

/** RFC 3986's unreserved characters stay, except for the dot; all others become %XX of their UTF-8 bytes. */
const encodeName = (name: string) =>
  encodeURIComponent(name).replace(/[.!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

const tableFolder = (table: TableName) => `${encodeName(table.schema)}/${encodeName(table.name)}`;

/** `log/<seq>.json`. */
export function manifestKey(seq: number): string {
  return `log/${padded(seq, SEQ_DIGITS)}.json`;
}

/** `log/<seq>.json#<part>`: a file inside manifest `seq`. No object has such a key: `#` is percent-encoded in names. */
export function inlineKey(seq: number, part: number): string {
  return `${manifestKey(seq)}#${part}`;
}

/** Number of the manifest that a file lies in; null for a file that is an object. */
export function holderOf(key: string): number | null {
  const [, seq] = /^log\/(\d+)\.json#\d+$/.exec(key) ?? [];
  return seq === undefined ? null : Number(seq);
}

/** `data/<schema>/<table>/dt=YYYY-MM-DD/hr=HH/<seq>-<part>-<nonce>.parquet`, day and hour in UTC. */
export function dataKey(place: DataPlace): string {
  const hour = new Date(Math.floor(place.commitTimeUs / 1000)).toISOString();
  const folder = `data/${tableFolder(place)}/dt=${hour.slice(0, 10)}/hr=${hour.slice(11, 13)}`;
  return `${folder}/${padded(place.seq, SEQ_DIGITS)}-${place.part}-${place.nonce}.parquet`;
}

/** Chunk `n` of a table's snapshot. */
export function snapshotChunkKey(table: TableName, id: string, n: number, nonce: string): string {
  return `${snapshotFolder(table, id)}/${padded(n, CHUNK_DIGITS)}-${nonce}.parquet`;
}

/** The marker that chunk `n` is stored, and where the next one begins. */
export function snapshotMarkerKey(table: TableName, id: string, n: number): string {
  return `${snapshotFolder(table, id)}/${padded(n, CHUNK_DIGITS)}.json`;
}

/** The object that makes a snapshot complete; it lists the chunks. */
export function snapshotCompleteKey(table: TableName, id: string): string {
  return `${snapshotFolder(table, id)}/complete.json`;
}

/** The object that says why a snapshot cannot be taken. */
export function snapshotFailedKey(table: TableName, id: string): string {
  return `${snapshotFolder(table, id)}/failed.json`;
}

/** `records/dt=YYYY-MM-DD/<asset>/<partition>.json`, without partitions `<asset>.json`. `at`: ISO 8601, UTC. */
export function recordKey({ asset, partition, at }: RecordPlace): string {
  const name = partition === null ? encodeName(asset) : `${encodeName(asset)}/${encodeName(partition)}`;
  return `records/dt=${at.slice(0, 10)}/${name}.json`;
}

/** Written before the slot of an epoch is created; the epoch exists once a manifest carries its number. */
export function epochIntentKey(epochNo: number): string {
  return `epoch/${epochNo}.json`;
}

const snapshotFolder = (table: TableName, id: string) => `snapshot/${tableFolder(table)}/${id}`;
