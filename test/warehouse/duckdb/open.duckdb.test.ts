import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type DuckDbOptions, openDuckDb } from '../../../activities/warehouse/duckdb/client.ts';
import { readApart } from '../../../workers/reader-process.ts';
import { freshFolder } from '../../support/folder.ts';

const folder = freshFolder();
let files = 0;

function freshOptions(): DuckDbOptions {
  files += 1;
  const path = join(folder, `${files}.duckdb`);
  mkdirSync(join(folder, `spool-${files}`));
  return {
    path,
    memoryLimit: '100MB',
    threads: 1,
    tempDirectory: join(folder, `temp-${files}`),
    spoolFolder: join(folder, `spool-${files}`),
    readApart,
  };
}

test('a file another process holds is refused with that process named', async () => {
  const options = freshOptions();
  const code = `import { DuckDBInstance } from '@duckdb/node-api';
    const instance = await DuckDBInstance.create(process.argv[1]);
    console.log('open');
    process.stdin.resume().on('end', () => { instance.closeSync(); });`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code, options.path], {
    cwd: process.cwd(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    await once(holder.stdout, 'data');
    await expect(openDuckDb(options)).rejects.toMatchObject({
      code: 'WAREHOUSE_LOCKED',
      message: expect.stringContaining(String(holder.pid)),
    });
  } finally {
    holder.stdin.end();
    await once(holder, 'exit');
  }
  await (await openDuckDb(options)).close();
});

test('a second owner in the same process is refused until the first has closed', async () => {
  const options = freshOptions();
  const owner = await openDuckDb(options);
  await expect(openDuckDb(options)).rejects.toMatchObject({ code: 'WAREHOUSE_LOCKED' });
  await owner.close();
  await (await openDuckDb(options)).close();
});

test.each([
  ['foreign bytes', 'x'.repeat(20_000)],
  ['a few bytes', 'abc'],
  ['nothing at all', ''],
])('a file of %s is refused and left as it was', async (_, content) => {
  const options = freshOptions();
  writeFileSync(options.path, content);
  await expect(openDuckDb(options)).rejects.toMatchObject({
    code: 'WAREHOUSE_UNREADABLE',
    message: expect.stringContaining(options.path),
  });
  expect(existsSync(`${options.path}.wal`)).toBe(false);
});

test('a folder that does not exist is named', async () => {
  const options = { ...freshOptions(), path: join(folder, 'nowhere', 'w.duckdb') };
  await expect(openDuckDb(options)).rejects.toMatchObject({
    code: 'WAREHOUSE_UNREADABLE',
    message: expect.stringContaining('nowhere'),
  });
});

test('a warehouse a later walflow wrote is refused', async () => {
  const options = freshOptions();
  const owner = await openDuckDb(options);
  await owner.use((session) => session.run('update _walflow.version set version = 999'));
  await owner.close();
  await expect(openDuckDb(options)).rejects.toMatchObject({
    code: 'WAREHOUSE_NEWER',
    message: expect.stringContaining('999'),
  });
});

test('what was written is there after the file was closed and opened again', async () => {
  const options = freshOptions();
  const owner = await openDuckDb(options);
  await owner.use((session) => session.run('create table t as select 42 as answer'));
  expect(await owner.checkpoint()).toBe(true);
  await owner.close();
  const again = await openDuckDb(options);
  expect(await again.use((session) => session.rows('select * from t'))).toEqual([{ answer: 42 }]);
  await again.close();
});

test('a checkpoint that a writer forbids is put off', async () => {
  const owner = await openDuckDb(freshOptions());
  await owner.use((writer) =>
    writer.transaction(async () => {
      await writer.run('create table t as select 1 as a');
      expect(await owner.checkpoint()).toBe(false);
    }),
  );
  expect(await owner.checkpoint()).toBe(true);
  await owner.close();
});

test('a write-ahead file is folded between merges once it is large, or after some minutes, never inside a commit', async () => {
  const options = freshOptions();
  const owner = await openDuckDb(options);
  const walBytes = async () => (await stat(`${options.path}.wal`).catch(() => ({ size: 0 }))).size;
  const text = `repeat(md5(range::varchar), 32)`;
  // Fewer rows than a row group: more would go into the database file at once.
  const commitRows = () => owner.use((session) => session.run(`insert into t select ${text} from range(100_000)`));
  await owner.use((session) => session.run('create table t (text varchar)'));
  for (let commits = 1; commits <= 4; commits++) {
    // Nor does this do anything yet.
    await owner.checkpointWhenDue(performance.now());
    await commitRows();
    expect(await walBytes()).toBeGreaterThan(commits * 100_000_000);
  }
  await owner.checkpointWhenDue(performance.now());
  expect(await walBytes()).toBe(0);
  await commitRows();
  await owner.checkpointWhenDue(performance.now() + 100_000);
  expect(await walBytes()).toBeGreaterThan(0);
  await owner.checkpointWhenDue(performance.now() + 121_000);
  expect(await walBytes()).toBe(0);
  expect(await owner.use((session) => session.rows('select count(*) as n from t'))).toEqual([{ n: '500000' }]);
  await owner.close();
});

test('every session speaks UTC, no setting can be changed, and no other file be read or written', async () => {
  const owner = await openDuckDb(freshOptions());
  const attempt = (sql: string) =>
    owner.use((session) => session.run(sql)).catch((failure: { code: string }) => failure.code);
  expect(await owner.use((session) => session.rows(`select current_setting('TimeZone') as zone`))).toEqual([
    { zone: 'UTC' },
  ]);
  expect(await attempt(`set TimeZone = 'Asia/Tokyo'`)).toBe('WAREHOUSE_FAILED');
  expect(await attempt('set global enable_external_access = true')).toBe('WAREHOUSE_FAILED');
  expect(await attempt(`select * from read_text('/etc/passwd')`)).toBe('WAREHOUSE_FAILED');
  expect(await attempt(`copy (select 1) to '${join(folder, 'out.csv')}'`)).toBe('WAREHOUSE_FAILED');
  expect(await attempt(`attach '${join(folder, 'other.duckdb')}'`)).toBe('WAREHOUSE_FAILED');
  await owner.close();
});

test('what does not fit the memory limit is spilled, and what cannot be is an error that says so', async () => {
  const options = { ...freshOptions(), memoryLimit: '40MB' };
  const owner = await openDuckDb(options);
  await owner.use(async (session) => {
    await session.run('create temp table wide as select range as a, md5(range::varchar) as b from range(1500000)');
    expect(readdirSync(options.tempDirectory).length).toBeGreaterThan(0);
  });
  const greedy = owner.use((session) => session.rows('select len(list(range::varchar)) from range(3000000)'));
  await expect(greedy).rejects.toMatchObject({ code: 'WAREHOUSE_OUT_OF_MEMORY' });
  await owner.close();
});
