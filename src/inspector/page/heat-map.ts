import type { BlockMap, State } from '../snapshot.js';

/** Characters of a cell. */
const PER_CELL = 4;

/** Pixels of a cell, at least and at most. */
const SMALLEST = 5;
const LARGEST = 18;

/** Draws the cells of `map`. Each state has its color, and a mark for those who do not see it. */
export function drawMap(canvas: HTMLCanvasElement, map: BlockMap, colorBy: string): void {
  const width = canvas.clientWidth;
  const count = map.cells.length / PER_CELL;
  const columns = Math.max(1, Math.floor(width / cellSize(width, count)));
  const size = Math.min(LARGEST, width / columns);
  const scale = devicePixelRatio;
  const height = Math.ceil(count / columns) * size;
  canvas.width = width * scale;
  canvas.height = height * scale;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.scale(scale, scale);
  const states = Object.keys(map.counts) as State[];
  const colors = colorsOf(states);
  for (let index = 0; index < count; index++) {
    const cell = map.cells.slice(index * PER_CELL, (index + 1) * PER_CELL);
    const [state = 0, share = 0, holders = 0, age = 0] = [...cell].map(Number);
    const [x, y] = [(index % columns) * size, Math.floor(index / columns) * size];
    const inner = size - 1;
    context.fillStyle = colors.free;
    context.fillRect(x, y, inner, inner);
    if (share === 0) continue;
    const name = states[state] as State;
    const level = colorBy === 'holders' ? holders : colorBy === 'age' ? age : undefined;
    context.globalAlpha = 0.3 + (0.7 * (level ?? share)) / 9;
    context.fillStyle = level === undefined ? colors[name] : colors.frozen;
    context.fillRect(x, y, inner, inner);
    context.globalAlpha = 1;
    if (size >= 8) mark(context, level === undefined ? name : String(level), x, y, inner);
  }
}

/** A mark for each state, or a digit. */
function mark(context: CanvasRenderingContext2D, what: string, x: number, y: number, size: number): void {
  context.strokeStyle = context.fillStyle = '#000c';
  context.beginPath();
  const [left, right, top, bottom] = [x + size * 0.3, x + size * 0.7, y + size * 0.3, y + size * 0.7];
  if (/^\d$/.test(what)) {
    context.font = `${size * 0.8}px system-ui`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(what, x + size / 2, y + size / 2);
    return;
  }
  if (what === 'writing' || what === 'pinned') {
    context.moveTo(left, bottom);
    context.lineTo(right, top);
  }
  if (what === 'pinned') {
    context.moveTo(left, top);
    context.lineTo(right, bottom);
  }
  if (what === 'lent') context.arc(x + size / 2, y + size / 2, size * 0.18, 0, 2 * Math.PI);
  context.stroke();
}

function cellSize(width: number, count: number): number {
  return Math.min(LARGEST, Math.max(SMALLEST, Math.sqrt((width * 200) / count)));
}

/** The colors that the style sheet gives. */
export function colorsOf(states: readonly State[]): Record<State, string> {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(states.map((state) => [state, style.getPropertyValue(`--${state}`)])) as Record<
    State,
    string
  >;
}
