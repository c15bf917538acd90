import { mkdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ROOT } from './peers.js';
import { type CaseResult, figureOf, type Metric, type Results, subjectOf } from './results.js';

interface Chart {
  setOption(option: unknown): void;
  renderToSVGString(): string;
  dispose(): void;
}

/** The part of ECharts that is used. */
interface Charts {
  init(element: null, theme: null, options: { renderer: 'svg'; ssr: true; width: number; height: number }): Chart;
}

/** One line or one set of bars, with a value for each category. A category without a figure has undefined. */
export interface Series {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
}

export interface ChartPlan {
  /** The file name without its extension. */
  readonly name: string;
  readonly title: string;
  readonly kind: 'line' | 'bar';
  readonly categories: readonly string[];
  readonly unit: string;
  readonly series: readonly Series[];
}

const WIDTH = 860;
const HEIGHT = 420;
export const FOLDER = 'charts';

/** The colours of this project's subjects: red and orange. All others take theirs from OTHERS. */
const OURS: Readonly<Record<string, string>> = {
  fixed: '#d62728',
  buddy: '#ff7f0e',
  shared: '#d62728',
  channel: '#d62728',
  'fixed-one-handle': '#ff9896',
};
const OTHERS = [
  '#1f77b4',
  '#7f7f7f',
  '#2ca02c',
  '#9467bd',
  '#17becf',
  '#8c564b',
  '#bcbd22',
  '#003f5c',
  '#7a5195',
  '#4b8b3b',
];

function optionOf({ title, kind, categories, unit, series }: ChartPlan): unknown {
  const isBar = kind === 'bar';
  const values = { type: 'log', name: unit, nameLocation: 'end', minorSplitLine: { show: false } };
  let others = 0;
  const colour = (name: string): string | undefined => OURS[name] ?? OTHERS[others++ % OTHERS.length];
  const names = { type: 'category', data: categories, axisLabel: { interval: 0 } };
  return {
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, left: 'center', textStyle: { fontSize: 15 } },
    legend: { bottom: 0, type: 'plain', itemWidth: 18, itemGap: 22, textStyle: { fontSize: 11 } },
    grid: { left: 70, right: 24, top: 56, bottom: 100 },
    xAxis: names,
    yAxis: values,
    series: series.map((one) => ({
      name: one.name,
      type: kind,
      color: colour(one.name),
      data: one.values.map((value) => value ?? '-'),
      ...(isBar
        ? {}
        : { symbolSize: 6, lineStyle: { width: one.name === 'fixed' || one.name === 'buddy' ? 3.5 : 1.5 } }),
    })),
  };
}

/** Draws the charts into `docs/charts`. */
export async function draw(plans: readonly ChartPlan[]): Promise<void> {
  const { init } = (await import(pathToFileURL(`${ROOT}evidence/bench/charts/index.js`).href)) as Charts;
  mkdirSync(`${ROOT}docs/${FOLDER}`, { recursive: true });
  for (const plan of plans) {
    const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
    chart.setOption(optionOf(plan));
    writeFileSync(`${ROOT}docs/${FOLDER}/${plan.name}.svg`, `${chart.renderToSVGString()}\n`);
    chart.dispose();
  }
}

/** A series called `name` with a value for each case id; undefined when none of the cases was measured. */
export function seriesOf(
  results: Results,
  name: string,
  ids: readonly string[],
  isRuntime: (runtime: string) => boolean,
  metric: Metric = 'ns',
): Series | undefined {
  const find = (id: string): CaseResult | undefined =>
    results.cases.find((one) => one.id === id && isRuntime(one.runtime));
  const values = ids.map((id) => figureOf(find(id), metric)?.median);
  return values.every((value) => value === undefined) ? undefined : { name, values };
}

/** All subjects of the rows, in the order in which they were measured. */
export function subjectsOf(results: Results, rows: readonly string[]): string[] {
  const subjects = new Set<string>();
  for (const { id } of results.cases)
    if (rows.some((row) => id === `${row}/${subjectOf(id)}`)) subjects.add(subjectOf(id));
  return [...subjects];
}
