import type { Case } from './case.js';
import { choiceRows } from './rows/choice-rows.js';
import { contentionRows } from './rows/contention-rows.js';
import { costRows } from './rows/cost-rows.js';
import { encoderRows } from './rows/encoder-rows.js';
import { growthRows } from './rows/growth-rows.js';
import { handOverRows } from './rows/hand-over-rows.js';
import { inspectorRows } from './rows/inspector-rows.js';
import { ioRows } from './rows/io-rows.js';
import { latencyRows } from './rows/latency-rows.js';
import { netRows } from './rows/net-rows.js';
import { payloadRows } from './rows/payload-rows.js';
import { sharingRows } from './rows/sharing-rows.js';
import { spillRows } from './rows/spill-rows.js';

/** All cases that run in JavaScript. */
export const cases: readonly Case[] = [
  ...payloadRows,
  ...sharingRows,
  ...choiceRows,
  ...spillRows,
  ...encoderRows,
  ...contentionRows,
  ...handOverRows,
  ...growthRows,
  ...latencyRows,
  ...netRows,
  ...ioRows,
  ...inspectorRows,
  ...costRows,
];
