/** How `console.log` and `util.inspect` of Node, Bun and Deno show an object: they ask for this symbol. */
export function inspectAs<Subject extends object>(prototype: Subject, inspect: (this: Subject) => string): void {
  Object.defineProperty(prototype, Symbol.for('nodejs.util.inspect.custom'), { value: inspect });
}
