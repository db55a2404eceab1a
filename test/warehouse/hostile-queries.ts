// Twenty queries that want everything: texts, lists, rows and groups of any size, from nothing and from tables.

/** @param tables both with columns id, doc, version; any number of rows above a hundred */
export function hostileQueries(tables: { readonly one: string; readonly other: string }): readonly string[] {
  const { one, other } = tables;
  return [
    `select s from (select repeat('x', 4000000) s from range(1)) a, range(2048) b`,
    `select max(length(repeat(chr((97 + range % 7)::int), 10000000))) from range(2048)`,
    `select sum(length(lpad(range::varchar, 20000000, 'y'))) from range(2048)`,
    `select sum(length(printf('%20000000d', range))) from range(2048)`,
    'select list(range) from range(1000000000)',
    `select string_agg(range::varchar, ',') from range(1000000000)`,
    'select len(range(500000000 + range)) from range(10)',
    `with recursive t(x) as (select 'x' union all select x || x from t) select max(length(x)) from t`,
    `select damerau_levenshtein(repeat('a', 90000), repeat('b', 90000))`,
    'select median(random()) from range(1000000000)',
    'select histogram(range) from range(1000000000)',
    'select * from range(1000000000) order by random()',
    'select count(distinct hash(range)) from range(1000000000)',
    `select a.id from ${one} a, ${one} b, ${one} c, ${one} d order by hash(a.id, b.id, c.id, d.id)`,
    `select count(*) from ${one} a, ${one} b, ${one} c, ${one} d, ${one} e where a.id + b.id < c.id * d.id + e.id`,
    `select sum(a.version * b.id % (c.id + 1)) from ${one} a, ${other} b, ${one} c, ${other} d`,
    `select a.doc, b.doc, c.id from ${other} a, ${other} b, ${other} c`,
    `select string_agg(a.doc || b.doc, '') from ${other} a, ${other} b, ${one} c`,
    `select md5(a.doc || b.doc || c.doc) from ${other} a, ${other} b, ${one} c order by 1`,
    'select row_number() over (order by random()) from range(1000000000)',
  ];
}
