import { uplotFile } from '../inspector/uplot.js';
import type { Plan } from '../planner/plan.js';
import type { Trace } from '../planner/trace.js';
import { comparison } from './plan-text.js';
import { formatBytes } from './size.js';

/** Points of a chart over time. */
const MOST_POINTS = 1000;

/**
 * A plan as one HTML page with charts. It loads nothing: the chart library uPlot is part of the page.
 * @throws Error when uPlot is not installed
 */
export function planPage({ trace, outcomes, best, fixed }: Plan): string {
  const data = { sizes: histogram(trace), live: liveOver(trace) };
  const rows = outcomes.map(
    ({ name, memory, waste, spills, failures, nanoseconds }) =>
      `<tr${name === best.name ? ' class="best"' : ''}><th scope="row">${escapeHtml(name)}</th>` +
      [formatBytes(memory), `${bar(waste)} ${Math.round(waste * 100)} %`, spills, failures, nanoseconds.toFixed(0)]
        .map((cell) => `<td>${cell}</td>`)
        .join('') +
      '</tr>',
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Arena plan</title>
<style>${uplotFile('uPlot.min.css')}
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
th, td { padding: .25rem .75rem .25rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid #8884; }
th:first-child { text-align: left; font-weight: normal; white-space: normal; min-width: 12rem; }
.best th, .best td { font-weight: bold; }
meter { width: 5rem; }
pre { overflow-x: auto; padding: 1rem; background: #8882; }
.chart { width: 100%; }
.u-legend { font-size: .875rem; }
</style>
<h1>Arena plan</h1>
<p>${trace.sizes.length} allocations, at most ${formatBytes(trace.peakBytes)} live at the same time.</p>
<h2>The best arena</h2>
<pre><code>${escapeHtml(best.code)}</code></pre>
<p>${comparison(best, fixed)}</p>
<h2>Sizes of the allocations</h2>
<div class="chart" id="sizes" role="img" aria-label="Number of allocations by size"></div>
<h2>Live bytes</h2>
<div class="chart" id="live" role="img" aria-label="Live bytes over time"></div>
<h2>All arenas that were tried</h2>
<div class="scroll"><table>
<thead><tr><th>arena</th><th>memory</th><th>waste</th><th>spills</th><th>failures</th><th>ns</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div>
<p>Memory is what the arena reserves, and the peak of the heap. Waste is its share without content when the most content
was live. ns is the mean time of an allocation or a release in the replay.</p>
<script>${uplotFile('uPlot.iife.min.js').replaceAll('</script', '<\\/script')}</script>
<script>
const data = ${JSON.stringify(data)};
const ink = matchMedia('(prefers-color-scheme: dark)').matches ? '#ddd' : '#222';
const axis = { stroke: ink, grid: { stroke: '#8883' } };
const bytes = (value) => { let unit = 0; while (value >= 1000 && unit < 4) { value /= 1000; unit++; } return +value.toFixed(1) + ' ' + ['B', 'kB', 'MB', 'GB', 'TB'][unit]; };
const binary = (value) => { const unit = Math.min(3, Math.floor(Math.log2(value) / 10)); return value / 1024 ** unit + ' ' + ['B', 'KiB', 'MiB', 'GiB'][unit]; };
const draw = (id, series, axes, scales, values) => {
  const place = document.getElementById(id);
  const plot = new uPlot({ width: place.clientWidth, height: 260, series, axes, scales, legend: { live: true } }, values, place);
  addEventListener('resize', () => plot.setSize({ width: place.clientWidth, height: 260 }));
};
draw('sizes',
  [{ label: 'size up to', value: (_, index) => data.sizes.bounds[index] === undefined ? '' : binary(data.sizes.bounds[index]) },
   { label: 'allocations', stroke: '#2a78d6', fill: '#2a78d688', paths: uPlot.paths.bars({ size: [0.8, 60] }), points: { show: false } }],
  [{ ...axis, splits: (plot) => data.sizes.bounds.map((_, index) => index).filter((index) => index % Math.ceil(data.sizes.bounds.length * 36 / plot.width) === 0), values: (_, splits) => splits.map((index) => binary(data.sizes.bounds[index])), rotate: -45, size: 70, gap: 10 }, { ...axis, size: 70 }],
  { x: { time: false, range: [-0.6, data.sizes.bounds.length - 0.4] } },
  [data.sizes.bounds.map((_, index) => index), data.sizes.counts]);
draw('live',
  [{ label: 'ms' }, { label: 'live', stroke: '#1f8a5b', fill: '#1f8a5b44', value: (_, value) => value == null ? '' : bytes(value) }],
  [axis, { ...axis, size: 80, values: (_, splits) => splits.map(bytes) }],
  { x: { time: false }, y: { range: (_, least, most) => [0, most * 1.05] } },
  [data.live.times, data.live.bytes]);
</script>
</html>
`;
}

/** The number of allocations between powers of two. */
function histogram({ sizes }: Trace): { readonly bounds: number[]; readonly counts: number[] } {
  const logs = sizes.map((size) => Math.ceil(Math.log2(size)));
  const [least, most] = logs.reduce(([low, high], log) => [Math.min(low, log), Math.max(high, log)], [64, 0]);
  const counts = Array.from({ length: most - least + 1 }, () => 0);
  for (const log of logs) counts[log - least] = (counts[log - least] as number) + 1;
  return { bounds: counts.map((_, index) => 2 ** (least + index)), counts };
}

/** The peak of the live bytes in each of up to MOST_POINTS parts of the time. */
function liveOver({ steps, times, sizes }: Trace): { readonly times: number[]; readonly bytes: number[] } {
  const end = times.at(-1) ?? 0;
  const part = Math.max(end / MOST_POINTS, Number.MIN_VALUE);
  const points: { readonly times: number[]; readonly bytes: number[] } = { times: [], bytes: [] };
  let live = 0;
  for (const [at, step] of steps.entries()) {
    live += step < 0 ? -(sizes[-1 - step] as number) : (sizes[step] as number);
    const time = Math.floor((times[at] as number) / part) * part;
    const last = points.times.length - 1;
    if (points.times[last] === time) points.bytes[last] = Math.max(points.bytes[last] as number, live);
    else {
      points.times.push(time);
      points.bytes.push(live);
    }
  }
  return points;
}

function bar(share: number): string {
  return `<meter value="${share.toFixed(3)}">${Math.round(share * 100)} %</meter>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
