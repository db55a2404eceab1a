// The page's looks: calm, readable on a phone, light or dark as the reader's system is. Colours only say state.

export const STYLE = `
:root {
  --ground: #f6f7f9; --card: #ffffff; --ink: #1d2330; --quiet: #667085; --line: #e4e7ec; --accent: #2456d6;
  --good: #1a7f4b; --warn: #b25e09; --bad: #c0262d; --good-ground: #e7f6ee; --warn-ground: #fdf1e0; --bad-ground: #fdeaea;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12151b; --card: #1a1e26; --ink: #e5e8ee; --quiet: #8f98a8; --line: #2b313c; --accent: #82a8ff;
    --good: #5fd39a; --warn: #f0b35e; --bad: #ff8a86; --good-ground: #163326; --warn-ground: #3a2c14; --bad-ground: #401f20;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.25rem; max-width: 68rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; font-variant-numeric: tabular-nums;
}
header { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0 1rem; margin-bottom: 1rem; }
h1 { font-size: 1.25rem; margin: 0; }
h1 span { font-weight: 400; }
h2 { font-size: 1.05rem; margin: 0 0 .75rem; }
h3 { font-size: .8rem; font-weight: 600; color: var(--quiet); margin: 1.25rem 0 .25rem; }
header p, footer { margin: 0; font-size: .85rem; }
footer { padding: .5rem 0 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.25rem; margin: 0 0 1rem; }
.quiet { color: var(--quiet); }
.reason { color: var(--warn); font-size: .85rem; font-weight: 400; overflow-wrap: anywhere; }
b.bad { color: var(--bad); }
.badge {
  display: inline-block; padding: .05rem .55rem; border-radius: 1rem; font-size: .8rem; font-weight: 500;
  background: var(--line); color: var(--quiet); white-space: nowrap;
}
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.warn { background: var(--warn-ground); color: var(--warn); }
.badge.bad { background: var(--bad-ground); color: var(--bad); }
dl { display: flex; flex-wrap: wrap; gap: .75rem 2rem; margin: 0 0 1rem; }
dt { font-size: .8rem; color: var(--quiet); min-height: 1.2rem; }
dd { margin: 0; font-weight: 600; }
dd .quiet { font-weight: 400; font-size: .85rem; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th { text-align: left; font-size: .8rem; font-weight: 500; color: var(--quiet); white-space: nowrap; }
th, td { padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
tbody tr:last-child td { border-bottom: 0; }
td { white-space: nowrap; }
td .reason { white-space: normal; min-width: 12rem; }
.number { text-align: right; }
td a, td .null { font-size: .85rem; }
.null { color: var(--quiet); font-style: italic; }
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
.row { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1rem; margin-top: .5rem; font-size: .85rem; }
textarea, input {
  width: 100%; padding: .6rem .7rem; border: 1px solid var(--line); border-radius: 8px; background: var(--ground); color: var(--ink);
  font: .9rem/1.5 var(--mono); resize: vertical;
}
input { flex: 1; width: auto; min-width: 10rem; }
button {
  padding: .4rem 1.1rem; border: 0; border-radius: 8px; background: var(--accent); color: var(--card); font: inherit;
  font-weight: 600; cursor: pointer;
}
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
#answer { margin-top: .75rem; max-height: 26rem; }
#answer td { font-family: var(--mono); font-size: .82rem; max-width: 32rem; overflow: hidden; text-overflow: ellipsis; white-space: pre; }
#answer p { margin: 0; overflow-wrap: anywhere; }
[aria-busy='true']:empty::before { content: 'reading …'; color: var(--quiet); }
#login:not([hidden]) ~ main, #login:not([hidden]) ~ #ask { display: none; }
@media (max-width: 40rem) {
  body { padding: .75rem; }
  .card { padding: .9rem; }
  dl { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem 1rem; }
  .fit { font-size: .82rem; }
  .fit th, .fit td { padding-right: .5rem; }
  .fit td { white-space: normal; overflow-wrap: anywhere; }
  .fit td.number { white-space: nowrap; }
  td .reason { min-width: 0; }
}
`;
