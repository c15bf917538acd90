import type { Memory } from './memory.js';
import { hex } from './text.js';

/** Defines how `console.log` and `util.inspect` show an object. Node, Bun and Deno call the method of this symbol. */
export function inspectAs<Subject extends object>(prototype: Subject, inspect: (this: Subject) => string): void {
  Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), { value: inspect });
}

const INSPECTED_BYTES = 32;

/** The first bytes of a handle, in hexadecimal. */
export function preview(memory: Memory, start: number, length: number): string {
  if (memory.isGone) return '<detached>';
  const shown = Math.min(length, INSPECTED_BYTES);
  return `<${hex(memory.view(start, start + shown), ' ')}${shown < length ? ' ...' : ''}>`;
}
