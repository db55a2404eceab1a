// The page's shell: what is there before the first figures arrive.

import { html } from 'hono/html';

export function shell(project: string, version: string) {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${project} · walflow</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
<header>
  <h1>walflow <span class="quiet">· ${project}</span></h1>
  <p id="link" class="quiet" role="status">connecting …</p>
</header>
<form id="login" class="card" hidden>
  <label for="token">This walflow needs its token (WALFLOW_TOKEN).</label>
  <div class="row"><input id="token" type="password" autocomplete="off"><button>Sign in</button></div>
</form>
<main id="status" aria-busy="true"></main>
<section class="card" id="ask">
  <h2>Ask the warehouse</h2>
  <form id="query">
    <textarea id="sql" rows="3" spellcheck="false" autocapitalize="off" aria-label="SQL"
      placeholder="select * from public.orders order by 1 desc limit 20"></textarea>
    <div class="row"><button>Run</button><span class="quiet">read only · Ctrl Enter</span><span id="took" class="quiet"></span></div>
  </form>
  <div id="answer" class="scroll" aria-live="polite"></div>
</section>
<footer class="quiet">walflow ${version} · <a href="/api/pipelines">pipelines</a> · <a href="/api/assets">assets</a> · <a href="/metrics">metrics</a></footer>
</body>
</html>`;
}
