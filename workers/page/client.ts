// The page's script: keeps asking for the rendered status, runs SQL, keeps the token for this tab. Whatever a query returns
// becomes text nodes; the status arrives escaped (status-view.ts). It is served as it stands here, without a build, so it
// uses no template literals.

export const CLIENT = `'use strict';
const at = (id) => document.getElementById(id);
const status = at('status'), link = at('link'), login = at('login'), answer = at('answer'), run = at('query').querySelector('button');
const RETRY_MS = 2000;
const TOKEN = 'walflow-token';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function call(path, options) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = token ? { authorization: 'Bearer ' + token } : {};
  const response = await fetch(path, { ...options, headers: { ...headers, 'content-type': 'application/json' } });
  login.hidden = response.status !== 401;
  return response;
}

/** Text that the reader is selecting must not be replaced. */
function selecting() {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && status.contains(selection.anchorNode);
}

async function refresh() {
  const response = await call('/api/page');
  if (!response.ok) {
    link.textContent = response.status === 401 ? 'signed out' : 'answered with status ' + response.status;
    return false;
  }
  const html = await response.text();
  if (!selecting()) status.innerHTML = html;
  status.removeAttribute('aria-busy');
  link.textContent = 'live';
  return true;
}

/** The server answers once a second; a hidden page does not ask. */
async function follow() {
  for (;;) {
    let ok = false;
    if (!document.hidden) {
      ok = await refresh().catch(() => {
        link.textContent = 'walflow does not answer';
        return false;
      });
    }
    if (!ok) await pause(RETRY_MS);
  }
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

const isNumber = (type) => /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL[(][0-9,]+[)]|DOUBLE|FLOAT)$/.test(type);

function valueCell(value, type) {
  if (value === null) return element('td', 'NULL', 'null');
  return element('td', typeof value === 'object' ? JSON.stringify(value) : String(value), isNumber(type) ? 'number' : '');
}

function resultTable(result) {
  const table = element('table');
  const head = table.createTHead().insertRow();
  for (const { name, type } of result.columns) {
    const cell = element('th', name, isNumber(type) ? 'number' : '');
    cell.title = type;
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of result.rows) body.insertRow().append(...row.map((value, i) => valueCell(value, result.columns[i].type)));
  return table;
}

function failureText(error) {
  const text = element('p');
  text.append(element('b', error.message, 'bad'), element('br'), error.hint + ' ', element('span', '(' + error.code + ')', 'quiet'));
  return text;
}

async function ask(sql) {
  const began = performance.now();
  const response = await call('/api/query', { method: 'POST', body: JSON.stringify({ sql }) });
  const body = await response.json();
  answer.replaceChildren(response.ok ? resultTable(body) : failureText(body.error));
  const rows = response.ok ? body.rows.length + (body.rows.length === 1 ? ' row, ' : ' rows, ') : '';
  at('took').textContent = rows + Math.round(performance.now() - began) + ' ms';
}

at('query').addEventListener('submit', async (event) => {
  event.preventDefault();
  const sql = at('sql').value.trim();
  if (sql === '') return;
  run.disabled = true;
  try {
    await ask(sql);
  } catch {
    answer.replaceChildren(element('p', 'walflow does not answer', 'quiet'));
  } finally {
    run.disabled = false;
  }
});

at('sql').addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) at('query').requestSubmit();
});

login.addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, at('token').value);
  at('token').value = '';
});

follow();
`;
