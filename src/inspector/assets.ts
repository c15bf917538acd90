import { readFileSync } from 'node:fs';
import { PAGE } from './page/html.js';
import { STYLE } from './page/style.js';
import { uplotFile } from './uplot.js';

/** A file of the page. */
export interface Asset {
  readonly type: string;
  readonly content: string | Buffer;
}

/** The files of the page, by path. @throws Error when uPlot is not installed */
export function assets(): ReadonlyMap<string, Asset> {
  const script = 'text/javascript; charset=utf-8';
  const style = 'text/css; charset=utf-8';
  const own = (file: string): Asset => ({
    type: script,
    content: readFileSync(new URL(`page/${file}`, import.meta.url)),
  });
  return new Map<string, Asset>([
    ['', { type: 'text/html; charset=utf-8', content: PAGE }],
    ['style.css', { type: style, content: STYLE }],
    ['uplot.css', { type: style, content: uplotFile('uPlot.min.css') }],
    ['uplot.js', { type: script, content: uplotFile('uPlot.iife.min.js') }],
    ...['app.js', 'charts.js', 'heat-map.js', 'history.js', 'format.js'].map((file): [string, Asset] => [
      file,
      own(file),
    ]),
  ]);
}
