import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** A file of the optional package uPlot. @throws Error when it is not installed */
export function uplotFile(name: 'uPlot.min.css' | 'uPlot.iife.min.js'): string {
  try {
    return readFileSync(createRequire(import.meta.url).resolve(`uplot/dist/${name}`), 'utf8');
  } catch (cause) {
    throw new Error('the package uplot is missing, run npm install uplot', { cause });
  }
}
