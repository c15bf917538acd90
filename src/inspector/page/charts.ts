import type { Snapshot } from '../snapshot.js';
import { formatBytes } from './format.js';

type Metrics = Readonly<Record<string, number>>;

interface Plot {
  setData(data: readonly (readonly (number | null)[])[]): void;
  setSize(size: { readonly width: number; readonly height: number }): void;
}

declare const uPlot: new (options: object, data: readonly (readonly number[])[], place: HTMLElement) => Plot;

interface Line {
  readonly label: string;
  readonly color: string;
  /** A figure, or how much a counter grows in a second. */
  readonly read: (now: Metrics, before: Metrics, seconds: number) => number | undefined;
}

const HEIGHT = 150;

const rate =
  (name: string): Line['read'] =>
  (now, before, seconds) =>
    now[name] === undefined ? undefined : ((now[name] as number) - (before[name] ?? 0)) / seconds;
const figure =
  (name: string): Line['read'] =>
  (now) =>
    now[name];

const CHARTS: readonly (readonly [title: string, isBytes: boolean, lines: readonly Line[]])[] = [
  [
    'Memory',
    true,
    [
      { label: 'live', color: '#2a78d6', read: figure('bytesLive') },
      { label: 'largest free', color: '#1f8a5b', read: figure('largestFreeBlock') },
    ],
  ],
  [
    'Per second',
    false,
    [
      { label: 'allocations', color: '#2a78d6', read: rate('allocationsOk') },
      { label: 'refused', color: '#c2303a', read: rate('allocationsFailed') },
      { label: 'spills', color: '#d97706', read: rate('spills') },
    ],
  ],
  ['Waiting', false, [{ label: 'requests', color: '#d97706', read: figure('waiting') }]],
  ['Messages', false, [{ label: 'waiting', color: '#2a78d6', read: figure('length') }]],
];

/** The charts over time of one arena. */
export class Charts {
  private readonly plots: (readonly [lines: readonly Line[], plot: Plot])[];

  constructor(place: HTMLElement, metrics: Metrics) {
    this.plots = CHARTS.map(([title, isBytes, lines]) => {
      const shown = lines.filter(({ read }) => read(metrics, metrics, 1) !== undefined);
      return [title, isBytes, shown] as const;
    })
      .filter(([, , lines]) => lines.length > 0)
      .map(([title, isBytes, lines]) => [lines, plotIn(place, title, isBytes, lines)] as const);
  }

  /** Shows the arena with this index in all snapshots up to the current one. */
  show(snapshots: readonly Snapshot[], current: Snapshot, index: number): void {
    const shown = snapshots.filter(({ time }) => time <= current.time);
    const times = shown.map(({ time }) => (time - current.time) / 1000);
    for (const [lines, plot] of this.plots) {
      const values = lines.map(({ read }) =>
        shown.map(({ time, arenas }, at) => {
          const before = shown[at - 1];
          const [now, earlier] = [arenas[index]?.metrics, before?.arenas[index]?.metrics];
          if (now === undefined || before === undefined || earlier === undefined) return null;
          return read(now, earlier, (time - before.time) / 1000) ?? null;
        }),
      );
      plot.setData([times, ...values]);
    }
  }
}

function plotIn(place: HTMLElement, title: string, isBytes: boolean, lines: readonly Line[]): Plot {
  const box = document.createElement('div');
  const heading = document.createElement('h3');
  heading.textContent = title;
  box.append(heading);
  place.append(box);
  const ink = getComputedStyle(box).color;
  const axis = { stroke: ink, grid: { stroke: '#8883' }, ticks: { stroke: '#8883' } };
  const format = (value: number | null): string =>
    value === null ? '' : isBytes ? formatBytes(value) : String(Math.round(value));
  const size = (): { width: number; height: number } => ({ width: box.clientWidth, height: HEIGHT });
  const plot = new uPlot(
    {
      ...size(),
      scales: {
        x: { time: false },
        y: { range: (_: unknown, __: number, most: number) => [0, Math.max(1, most * 1.1)] },
      },
      axes: [
        { ...axis, values: (_: unknown, splits: number[]) => splits.map((split) => `${split} s`) },
        {
          ...axis,
          size: 65,
          values: (_: unknown, splits: number[]) =>
            splits.map((split) => (isBytes || Number.isInteger(split) ? format(split) : '')),
        },
      ],
      series: [
        { label: 'time', value: (_: unknown, value: number | null) => (value === null ? '' : `${value.toFixed(1)} s`) },
        ...lines.map(({ label, color }) => ({
          label,
          stroke: color,
          width: 2,
          value: (_: unknown, value: number | null) => format(value),
        })),
      ],
    },
    [[], ...lines.map(() => [])],
    box,
  );
  addEventListener('resize', () => plot.setSize(size()));
  return plot;
}
