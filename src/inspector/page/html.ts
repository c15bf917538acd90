/** The page. Everything else is filled in by app.ts. */
export const PAGE: string = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Arenas</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="uplot.css">
<link rel="stylesheet" href="style.css">
<header>
<h1>Arenas</h1>
<div class="controls" role="toolbar" aria-label="Time">
<button id="back" aria-keyshortcuts="ArrowLeft">&#9664; Back</button>
<button id="pause" aria-keyshortcuts="Space">Pause</button>
<button id="forward" aria-keyshortcuts="ArrowRight">Forward &#9654;</button>
<label>Color by <select id="color"><option value="state">state</option><option value="holders">holders</option><option value="age">age</option></select></label>
<span id="status" role="status">connecting</span>
</div>
</header>
<main id="arenas"></main>
<footer>Space pauses. The arrow keys step through the last minute. This page can only look.</footer>
<script src="uplot.js"></script>
<script type="module" src="app.js"></script>
</html>
`;
