import type { ArenaSnapshot, Snapshot, State } from '../snapshot.js';
import { Charts } from './charts.js';
import { formatBytes, formatFigure, wordsOf } from './format.js';
import { colorsOf, drawMap } from './heat-map.js';
import { History } from './history.js';

const history = new History();
const panels: Panel[] = [];

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  parent: Element,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties);
  parent.append(made);
  return made;
}

function byId<Kind extends HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind;
}

/** One arena on the page. */
class Panel {
  private readonly figures: HTMLElement;
  private readonly map: HTMLCanvasElement;
  private readonly legend: HTMLElement;
  private readonly charts: Charts;
  private readonly tables: HTMLElement;
  private readonly index: number;

  constructor(index: number, { name, title, metrics }: ArenaSnapshot) {
    this.index = index;
    const section = element('section', byId('arenas'));
    section.setAttribute('aria-label', name);
    element('h2', section, { textContent: name });
    element('div', section, { className: 'title', textContent: title });
    this.figures = element('dl', section, { className: 'figures' });
    this.map = element('canvas', section, { className: 'map' });
    this.map.setAttribute('role', 'img');
    this.legend = element('ul', section, { className: 'legend' });
    this.charts = new Charts(element('div', section, { className: 'charts' }), metrics);
    this.tables = element('div', section, { className: 'scroll' });
  }

  show(snapshot: Snapshot, arena: ArenaSnapshot): void {
    this.showFigures(arena);
    this.showMap(arena);
    this.charts.show(history.snapshots, snapshot, this.index);
    this.showTables(arena);
  }

  private showFigures({ metrics }: ArenaSnapshot): void {
    this.figures.replaceChildren();
    for (const [name, value] of Object.entries(metrics)) {
      const box = element('div', this.figures);
      box.dataset.figure = name;
      element('dt', box, { textContent: wordsOf(name) });
      element('dd', box, { textContent: formatFigure(name, value) });
    }
    const free = (metrics.bytesReserved ?? 0) - (metrics.bytesLive ?? 0);
    const largest = metrics.largestFreeBlock;
    if (largest === undefined) return;
    const box = element('div', this.figures);
    element('dt', box, { textContent: 'fragmentation' });
    element('dd', box, { textContent: free === 0 ? '0 %' : `${Math.round((1 - largest / free) * 100)} %` });
  }

  private showMap({ map, name, kind }: ArenaSnapshot): void {
    this.map.hidden = map === undefined;
    this.legend.replaceChildren();
    if (map === undefined) {
      if (kind === 'channel') return;
      element('li', this.legend, { textContent: 'The blocks of this arena cannot be listed.' });
      return;
    }
    drawMap(this.map, map, byId<HTMLSelectElement>('color').value);
    const states = Object.entries(map.counts) as [State, number][];
    const colors = colorsOf(states.map(([state]) => state));
    for (const [state, count] of states) {
      if (count === 0 && state !== 'free') continue;
      const item = element('li', this.legend);
      item.dataset.state = state;
      element('i', item).style.background = colors[state];
      item.append(`${state} ${count.toLocaleString('en')}`);
    }
    element('li', this.legend, {
      textContent: `a cell is ${map.unitsPerCell.toLocaleString('en')} x ${formatBytes(map.unit)}`,
    });
    const summary = states.map(([state, count]) => `${count} ${state}`).join(', ');
    this.map.setAttribute('aria-label', `Map of ${name}: ${summary}`);
  }

  private showTables({ sites, threads }: ArenaSnapshot): void {
    this.tables.replaceChildren();
    const amount = (value: number): string => value.toLocaleString('en');
    this.addTable(
      'Threads: allocations, releases, requests that wait',
      threads.map(({ threadId, allocationsOk, frees, waiting }) => [
        `thread ${threadId}`,
        ...[allocationsOk, frees, waiting].map(amount),
      ]),
    );
    this.addTable(
      'Open allocations by site',
      sites.map(({ site, count, bytes }) => [site, amount(count), formatBytes(bytes)]),
    );
  }

  private addTable(title: string, rows: readonly (readonly string[])[]): void {
    if (rows.length === 0) return;
    const table = element('table', this.tables, { className: 'sites' });
    element('caption', table, { textContent: title });
    for (const cells of rows) {
      const row = element('tr', table);
      for (const text of cells) element('td', row, { textContent: text });
    }
  }
}

function show(): void {
  const snapshot = history.current;
  if (snapshot === undefined) return;
  for (const [index, arena] of snapshot.arenas.entries()) {
    panels[index] ??= new Panel(index, arena);
    panels[index].show(snapshot, arena);
  }
  byId('pause').textContent = history.isPaused ? 'Resume' : 'Pause';
  setStatus(history.isPaused ? `paused, ${(history.age / 1000).toFixed(1)} s ago` : 'live');
}

function setStatus(text: string): void {
  const status = byId('status');
  if (status.textContent !== text) status.textContent = text;
}

function step(count: number): void {
  history.step(count);
  show();
}

function togglePause(): void {
  history.togglePause();
  show();
}

byId('pause').addEventListener('click', togglePause);
byId('back').addEventListener('click', () => step(-1));
byId('forward').addEventListener('click', () => step(1));
byId('color').addEventListener('change', show);
addEventListener('resize', show);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);
addEventListener('keydown', (event) => {
  if (event.target instanceof HTMLSelectElement || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'ArrowLeft') step(-1);
  else if (event.key === 'ArrowRight') step(1);
  else if (event.key === ' ' && !(event.target instanceof HTMLButtonElement)) togglePause();
  else return;
  event.preventDefault();
});

const events = new EventSource('events');
events.addEventListener('message', ({ data }) => {
  history.add(JSON.parse(data) as Snapshot);
  show();
});
events.addEventListener('error', () => setStatus('the program is gone, or does not answer'));
