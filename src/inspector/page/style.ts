/** The style of the page. The colors of the states are read by heat-map.ts. */
export const STYLE: string = `
:root {
  color-scheme: light dark;
  font: 15px/1.5 system-ui, sans-serif;
  --line: #8885; --quiet: #666; --free: #e7e7e7; --used: #7d8ca3; --writing: #d97706; --frozen: #2a78d6; --lent: #1f8a5b; --pinned: #c2303a;
}
@media (prefers-color-scheme: dark) {
  :root { --quiet: #aaa; --free: #2c2c2c; --used: #8493aa; --writing: #f0a13c; --frozen: #5aa0f2; --lent: #3fb984; --pinned: #ef6a72; }
}
body { margin: 0 auto; max-width: 80rem; padding: 0 1rem 2rem; }
header { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center; background: Canvas; border-bottom: 1px solid var(--line); padding: .5rem 0; }
h1 { font-size: 1.25rem; margin: 0; }
h2 { font-size: 1.125rem; margin: 1.5rem 0 .25rem; }
.controls { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
button, select { font: inherit; padding: .125rem .625rem; }
.title, footer { color: var(--quiet); }
.title { font-family: ui-monospace, monospace; font-size: .875rem; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .25rem 1rem; margin: .5rem 0 1rem; }
.figures div { border-left: 3px solid var(--line); padding-left: .5rem; }
.figures dt { color: var(--quiet); font-size: .8125rem; }
.figures dd { margin: 0; font-variant-numeric: tabular-nums; font-size: 1.0625rem; }
canvas.map { display: block; width: 100%; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: .5rem 0; list-style: none; font-variant-numeric: tabular-nums; }
.legend i { display: inline-block; width: .75em; height: .75em; margin-right: .375em; border: 1px solid var(--line); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
.charts h3, .sites caption { font-size: .875rem; font-weight: 600; margin: .5rem 0 0; text-align: left; }
.scroll { overflow-x: auto; }
table.sites { border-collapse: collapse; width: 100%; font-size: .875rem; }
.sites th, .sites td { text-align: right; padding: .125rem .5rem .125rem 0; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
.sites th:first-child, .sites td:first-child { text-align: left; overflow-wrap: anywhere; }
.u-legend { font-size: .8125rem; }
`;
