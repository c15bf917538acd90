import { readFileSync, writeFileSync } from 'node:fs';
import { type Plan, planFor } from '../planner/plan.js';
import { traceOfSizes } from '../planner/size-list.js';
import type { Trace } from '../planner/trace.js';
import { decodeTrace, isTraceFile } from '../planner/trace-file.js';
import { planPage } from './plan-page.js';
import { planText } from './plan-text.js';

export interface PlanOptions {
  /** For a list of sizes without lifetimes: how many allocations are alive at the same time. */
  readonly live: number;
  /** The path of the report. */
  readonly report?: string;
  readonly json: boolean;
}

/** Reads a trace file, or a list of sizes. `-` is the standard input. @throws TraceError */
export function readTrace(path: string, live: number): Trace {
  const data = readFileSync(path === '-' ? 0 : path);
  return isTraceFile(data) ? decodeTrace(data) : traceOfSizes(data.toString('utf8'), live);
}

/** Finds arenas for the trace at `path`. @returns what to print */
export function plan(path: string, { live, report, json }: PlanOptions): string {
  const found = planFor(readTrace(path, live));
  if (report !== undefined) writeFileSync(report, planPage(found));
  return json ? `${JSON.stringify(asJson(found), undefined, 2)}\n` : planText(found);
}

function asJson({ trace, outcomes }: Plan): object {
  const { sizes, peakBytes } = trace;
  return {
    allocations: sizes.length,
    peakBytes,
    arenas: outcomes.map(({ name, code, reserved, memory, peakHeap, waste, failures, spills, nanoseconds }) => ({
      ...{ name, code, reserved, memory, peakHeap, waste, failures, spills, nanoseconds },
    })),
  };
}
