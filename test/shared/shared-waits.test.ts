import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FixedArena } from 'arena-alligator';
import { assertAllReturned } from '../support/arenas.js';
import { startThread } from '../support/threads.js';
